"""A worker that starts loads little: whoever calls first waits for it.

What each module costs is measured by ``bench.imports``; here it is held which are not loaded.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh import told_by

ROOT = Path(__file__).resolve().parents[2]

_LOADED = """
import json, sys
import function_app
function_app.app.get_functions()
json.dump(sorted(sys.modules), sys.stdout)
"""

# Libraries, and rooms of our own that bring many of them.
LATE = {
    "PIL": "pictures are decoded in an activity",
    "av": "so are videos",
    "pillow_heif": "and pictures of phones",
    "cbor2": "content credentials are read in an activity",
    "cryptography": "as are signatures",
    "google": "a credential that few have",
    "jwt": "another",
    "msal": "tokens are asked for at the first call of Azure",
    "azure.identity": "tokens are asked for at the first call of Azure",
    "azure.storage": "nothing is stored while functions are indexed",
    "azure.data": "nor any record read",
    "azure.eventgrid": "nor any event sent",
    "azure.monitor": "exporters begin with the first work",
    "opentelemetry.sdk": "exporters begin with the first work",
    "httpx": "no provider is called",
    "fastapi": "no request is there yet",
    "pydantic": "nor anything to check",
    "yaml": "the catalogue is read with the settings",
    "fastjsonschema": "and checked",
    "dailies.settings": "settings are read at the first work",
    "dailies.services": "and the parts are built of them",
    "dailies.catalogue": "the models among them",
    "dailies.api": "built at the first request",
}


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return set(told_by(_LOADED))


@pytest.mark.parametrize(("module", "reason"), LATE.items())
def test_it_is_not_loaded_to_index_the_functions(
    loaded: set[str], module: str, reason: str
) -> None:
    assert module not in loaded, f"function_app imports {module}, but {reason}"


def test_the_names_are_those_of_modules(loaded: set[str]) -> None:
    # A misspelt one would never be loaded.
    named = [f"import {module}" for module in LATE]
    subprocess.run([sys.executable, "-c", "\n".join(named)], cwd=ROOT, check=True)
    assert "azure.durable_functions" in loaded
