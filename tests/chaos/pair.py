"""A model that is made in two places, at two servers, of which the first goes bad in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.plan import PAIR
from tests.e2e.simulator import running_simulator
from tests.stack import RunningStack

__all__ = ["THERE", "OtherServer", "other_server"]

HERE, THERE = "chaos-here", "chaos-there"
_KEY = "key-of-the-other-server"
_MODELS = Path(__file__).resolve().parents[2] / "models.yaml"
_MODEL = f"""
  {PAIR}:
    deployments:
      - name: {HERE}
        endpoint: ${{AZURE_OPENAI_ENDPOINT}}
        COMMON
      - name: {THERE}
        endpoint: OTHER
        credential: api-key
        api_key: ${{CHAOS_KEY}}
        COMMON
"""
_COMMON = """provider: azure-sora-2
        deployment: sora-2
        sizes: [720x1280]
        seconds: [4]
        prices: {default: 0.10}"""


@dataclass(frozen=True)
class OtherServer:
    """The server of the second place, and what the app needs to know of it."""

    url: str
    settings: dict[str, str]

    def jobs(self) -> list[dict[str, Any]]:
        """Every job that was made there."""
        answer = httpx.get(f"{self.url}/_inspect/jobs", trust_env=False).raise_for_status()
        jobs: list[dict[str, Any]] = answer.json()
        return jobs

    def spoil_the_first(self, stack: RunningStack) -> None:
        """From now on the first place fails on every request for this model: it may have taken it,
        for all that its answer says."""
        stack.faults.add("create", "status", status=503, times=None, match="twice <")


@contextmanager
def other_server(folder: Path) -> Iterator[OtherServer]:
    """Start the second server, with a catalogue that has the model beside all others."""
    folder.mkdir(parents=True, exist_ok=True)
    with running_simulator(folder / "services", _KEY) as url:
        model = _MODEL.replace("COMMON", _COMMON).replace("OTHER\n", f"{url}\n")
        catalogue = folder / "models.yaml"
        # Models are what the file ends with.
        catalogue.write_text(_MODELS.read_text(encoding="utf-8").rstrip() + "\n" + model, "utf-8")
        yield OtherServer(url, {"DAILIES_CATALOGUE": str(catalogue), "CHAOS_KEY": _KEY})
