"""The simulated ModelArk (Seedance), driven by BytePlus's own client."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from local.services.upstreams import key_of
from tests.e2e.simulator import running_simulator
from tests.venvs import python_with

pytestmark = pytest.mark.byteplus

SESSION = Path(__file__).with_name("byteplus_session.py")
# What its runtime imports and does not name among its requirements.
UNNAMED = ("anyio", "distro", "httpx", "pydantic", "sniffio")


def test_a_task_from_its_create_to_its_file_and_what_goes_wrong(tmp_path: Path) -> None:
    python = python_with("byteplus-python-sdk-v2[ark]==3.0.63", *UNNAMED)
    with running_simulator(tmp_path, "a-key") as url:
        done = subprocess.run(
            [python, SESSION, f"{url}/upstreams/seedance/api/v3", key_of("nobody-knows")],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    found = re.search(r"^SEEN (.*)$", done.stdout, re.MULTILINE)
    assert found, done.stderr
    seen = json.loads(found[1])
    assert (seen["status"], seen["head"], seen["cancelled"]) == ("succeeded", "ftyp", "cancelled")
    assert seen["listed"] == seen["made"]
    assert seen["tokens"] > 0
    assert seen["errors"] == {
        "key": [401, "AuthenticationError"],
        "task": [404, "ResourceNotFound"],
        "moderation": [400, "InputTextSensitiveContentDetected"],
    }
