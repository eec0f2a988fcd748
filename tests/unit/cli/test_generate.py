"""A video that is ordered is known by its id, whatever becomes of the command."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx
import pytest
from dailies_cli.commands import generate
from dailies_cli.failures import Failure
from dailies_cli.following import follow

from tests.unit.cli.test_api import App

ASKED = {"id": "video_1", "status": "queued", "phase": "waiting", "progress": 0}
DONE = {**ASKED, "status": "completed", "phase": "done", "progress": 100}


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("ends", ["out of sight", "without a folder"])
def test_an_order_that_is_lost_sight_of_tells_its_id(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    ends: str,
    *,
    as_json: bool,
) -> None:
    gone = [httpx.ConnectError("refused")] * 3
    looks = gone if ends == "out of sight" else [httpx.Response(200, json=DONE)]
    app = App(httpx.Response(200, json=ASKED), *looks)
    monkeypatch.setattr(generate, "find_place", lambda: None)
    monkeypatch.setattr(generate, "Api", lambda _: app.api())
    monkeypatch.setattr(generate, "follow", partial(follow, sleep=app.pauses.append))
    with pytest.raises(Failure):
        generate.generate("a pier", out=tmp_path / "none" / "v.mp4", as_json=as_json)
    assert "dailies get video_1" in capsys.readouterr().err
