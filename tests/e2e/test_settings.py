"""What an operator sees of a setting that is wrong, or that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.stack.errors import StackError
from tests.stack import running_stack


def test_a_stack_whose_app_can_t_work_is_not_ready_and_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(StackError, match="can't work with its settings: DAILIES_RETRY_SECONDS: "),
        running_stack(tmp_path, settings={"DAILIES_RETRY_SECONDS": "soon"}),
    ):
        pass
    assert not (tmp_path / "ready.json").exists()


def test_a_misspelt_setting_stops_nothing_and_is_told(tmp_path: Path) -> None:
    settings = {"DAILIES_LOG_LEVEL": "debug", "DAILIES_MAX_UNFINISHD": "3"}
    with running_stack(tmp_path, settings=settings) as stack:
        assert stack.create("a kite over the dunes")["status"] == "queued"

        def told() -> bool:
            return "did you mean DAILIES_MAX_UNFINISHED?" in stack.process.log.read_text()

        stack.wait_until(told, what="the terminal tells of the setting")
