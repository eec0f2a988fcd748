"""The command line, as a person uses it: a process of its own beside a running stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from local.stack.layout import APP_DIR
from tests.pictures import png
from tests.receiver import running_receiver
from tests.stack import RunningStack


class CommandLine:
    """``dailies``, in a folder of its own, told of the stack by the environment."""

    def __init__(self, stack: RunningStack, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **os.environ,
            "PYTHONPATH": str(APP_DIR / "cli"),
            "PYTHONWARNINGS": "error",
            "DAILIES_URL": stack.base_url,
            "DAILIES_KEY": stack.api_key,
            "DAILIES_ADMIN_KEY": stack.admin_key,
            "DAILIES_REFERENCES": stack.storage_connection_string,
        }

    def run(self, *words: str, status: int = 0, **environ: str) -> str:
        """What the command prints; fails unless it ends with ``status``."""
        ended = subprocess.run(
            [sys.executable, "-m", "dailies_cli", *words],
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout if status == 0 else ended.stderr

    def json(self, *words: str) -> Any:
        """The JSON that it prints."""
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def dailies(stack: RunningStack, tmp_path: Path) -> CommandLine:
    return CommandLine(stack, tmp_path)


def test_a_video_is_ordered_watched_and_fetched_by_one_command(
    dailies: CommandLine, stack: RunningStack
) -> None:
    made = dailies.json("generate", "a lighthouse at dusk", "-m", "ray-3.2", "-s", "5")
    assert isinstance(made, dict)
    assert (made["status"], made["seconds"]) == ("completed", "5")
    file = dailies.folder / made["file"]
    content = stack.api.get(f"/v1/videos/{made['id']}/content", follow_redirects=True).content
    assert file.read_bytes() == content
    assert [path.name for path in dailies.folder.iterdir()] == [file.name]

    assert made["id"] in dailies.run("list", "--status", "completed")
    assert "a lighthouse at dusk" in dailies.run("show", made["id"])
    fetched = dailies.run("get", made["id"], "--variant", "thumbnail", "-o", "still.webp").strip()
    assert (dailies.folder / fetched).read_bytes()[8:12] == b"WEBP"
    dailies.run("watch", made["id"])
    dailies.run("delete", made["id"], "--yes")
    assert "(video_deleted" in dailies.run("show", made["id"], status=1)


def test_a_picture_goes_with_the_prompt(dailies: CommandLine, stack: RunningStack) -> None:
    (dailies.folder / "boat.png").write_bytes(png(5))
    words = ("generate", "it sails <<by command>>", "-m", "gen4.5", "-i", "boat.png", "--no-wait")
    video_id = dailies.run(*words, "-f", "seed=7").strip()
    stack.wait_for(video_id)
    (job,) = stack.jobs("<<by command>>")
    assert job["model"] == "gen4.5"
    assert stack.video(video_id)["status"] == "completed"


def test_nothing_is_ordered_by_a_dry_run(dailies: CommandLine, stack: RunningStack) -> None:
    told = dailies.json("generate", "a <<dry run>>", "-m", "ray-3.2", "--dry-run")
    assert isinstance(told, dict)
    assert told["cost_usd"] > 0
    assert stack.jobs("<<dry run>>") == []


def test_a_video_that_fails_ends_the_command_with_a_status_of_its_own(
    dailies: CommandLine,
) -> None:
    told = dailies.run("generate", "a storm [sim outcome=failed]", "-m", "ray-3.2", status=3)
    assert "failed" in told
    assert list(dailies.folder.iterdir()) == []


def test_a_dropped_image_becomes_a_video(dailies: CommandLine, stack: RunningStack) -> None:
    (dailies.folder / "fox.png").write_bytes(png(5))
    words = ("drop", "fox.png", "-p", "der Fuchs läuft fort", "--name", "by-command/fox.png")
    assert dailies.run(*words, "-f", "model=kling-v3").strip() == "references/by-command/fox.png"

    def found() -> dict[str, object] | None:
        videos = stack.api.get("/v1/videos?limit=100").json()["data"]
        return next((v for v in videos if v["source"]["blob"] == "by-command/fox.png"), None)

    video = stack.wait_until(found, what="the image is a video")
    assert (video["prompt"], video["model"]) == ("der Fuchs läuft fort", "kling-v3")


def test_mistakes_are_told_in_the_words_of_the_app(dailies: CommandLine) -> None:
    told = dailies.run("generate", "a pier", "-m", "ray-3.2", "-s", "77", status=1)
    assert "field seconds" in told
    assert "Traceback" not in told
    assert "invalid_api_key" in dailies.run("list", status=1, DAILIES_KEY="not-a-key")
    unreachable = dailies.run("show", "video_1", status=1, DAILIES_URL="http://127.0.0.1:9")
    assert "does not answer" in unreachable


def test_the_models_and_the_deployments_are_listed(dailies: CommandLine) -> None:
    assert "grok-imagine-video-1.5" in dailies.run("models")
    assert "1280x720" in dailies.run("models", "ray-3.2")
    assert "luma-ray-3-2" in dailies.run("deployments")


def test_the_doctor_says_what_is_well_and_what_is_not(
    dailies: CommandLine, stack: RunningStack
) -> None:
    concerns = dailies.json("attention")["data"]
    told = dailies.run("doctor", status=1 if concerns else 0)
    assert "need somebody" in told or "nothing waits" in told
    told = dailies.run("doctor", status=1, DAILIES_ADMIN_KEY=stack.api_key)
    assert "1 of these need" in told


def test_a_failed_video_is_made_again(dailies: CommandLine, stack: RunningStack) -> None:
    failed = stack.wait_for(stack.create("a storm [sim outcome=failed]", model="ray-3.2"))
    again = dailies.run("retry", failed["id"]).strip()
    assert again != failed["id"]
    assert stack.wait_for(again)["status"] == "failed"


def test_what_was_spent_is_told(dailies: CommandLine, stack: RunningStack) -> None:
    video = stack.wait_for(stack.create("a pier, and its price", model="ray-3.2"))
    own = dailies.json("usage", "--by", "model")
    [row] = [row for row in own["data"] if row["group"] == video["model"]]
    assert row["cost_usd"] >= video["cost_usd"] > 0
    everybody = dailies.json("spend", "--by", "model")
    [same] = [row for row in everybody["data"] if row["group"] == video["model"]]
    assert same["videos"] >= row["videos"]
    assert dailies.run("spend", "--by", "owner", "--csv").startswith("owner,videos,")
    assert "local" in dailies.run("spend", "--each", "month")
    assert "admin_key_required" in dailies.run("spend", status=1, DAILIES_ADMIN_KEY=stack.api_key)


def test_what_needs_an_eye_is_listed(dailies: CommandLine) -> None:
    found = dailies.json("attention")
    assert found["complete"]
    shown = dailies.run("attention")
    assert all(concern["about"] in shown for concern in found["data"])


def test_keys_are_issued_used_and_revoked_by_command(dailies: CommandLine) -> None:
    words = ("keys", "issue", "by-command", "--name", "a test", "-l", "models=ray-3.2,gen4.5")
    secret = dailies.run(*words, "-l", "requests_per_minute=600", "-t", "team:film").strip()
    (key,) = json.loads(dailies.run("keys", "list", "--owner", "by-command", "--json"))
    assert secret.startswith(key["prefix"])
    assert (key["limits"]["models"], key["tags"]) == (["ray-3.2", "gen4.5"], ["team:film"])
    shown = dailies.run("keys", "list")
    assert key["id"] in shown
    assert "active, operator" in shown
    assert "sora-2" not in dailies.run("models", DAILIES_KEY=secret)

    changed = json.loads(dailies.run("keys", "change", key["id"], "-l", "models="))
    assert json.loads(dailies.run("keys", "show", key["id"])) == changed
    limited = dailies.run("keys", "change", key["id"], "-l", "budget.month_usd=400")
    assert json.loads(limited)["limits"]["budget"]["month_usd"] == 400
    assert "month: $400.00 of $400.00 left" in dailies.run("usage", DAILIES_KEY=secret)
    assert changed["limits"]["models"] is None
    rotated = dailies.run("keys", "rotate", key["id"], "--overlap-seconds", "0").strip()
    assert "invalid_api_key" in dailies.run("list", status=1, DAILIES_KEY=secret)
    dailies.run("list", DAILIES_KEY=rotated)
    assert "revoked" in dailies.run("keys", "revoke", key["id"])
    assert "api_key_revoked" in dailies.run("list", status=1, DAILIES_KEY=rotated)
    refused = dailies.run("keys", "list", status=1, DAILIES_ADMIN_KEY=rotated)
    assert "api_key_revoked" in refused


def test_webhooks_are_tried_and_what_was_delivered_is_listed(
    dailies: CommandLine, stack: RunningStack
) -> None:
    secret = dailies.run("webhooks", "secret").strip()
    with running_receiver() as receiver:
        receiver.answers = [(500, {}), (204, {})]
        assert "not taken: 500" in dailies.run("webhooks", "test", receiver.url)
        assert dailies.json("webhooks", "test", receiver.url)["delivered"]
        for call in receiver.calls:
            Webhook(secret).verify(call.body, dict(call.headers))
        video = stack.create("a bell rings twice", webhook_url=receiver.url)
        receiver.wait_for(3)
        stack.wait_for(video)
        (delivery,) = dailies.json("webhooks", "list", "--video", video["id"])
        dailies.run("webhooks", "resend", delivery["id"])
        receiver.wait_for(4)
        dailies.run("webhooks", "set", "by-command", "main", receiver.url)
        assert dailies.json("webhooks", "list", "--owner", "by-command") == []
        dailies.run("webhooks", "remove", "by-command", "main")
    assert delivery["id"] in dailies.run("webhooks", "list", "-n", "100")
    refused = dailies.run("webhooks", "set", "by-command", "main", "http://a.example", status=1)
    assert "https" in refused


def test_budgets_are_set_shown_and_taken_away(dailies: CommandLine) -> None:
    words = ("budgets", "set", "by-command")
    assert "--day" in dailies.run(*words, status=1)
    made = dailies.json(*words, "--day", "25", "--month", "400")
    assert (made["scope"], made["day_usd"], made["month_usd"]) == ("owner", 25, 400)
    dailies.run(*words, "--each-user", "--day", "2.5")
    dailies.run(*words, "--user", "Zoë & co", "--total", "9")
    shown = dailies.run("budgets", "list", "by-command")
    assert all(word in shown for word in ("$25.00", "each user", "$2.50", "user Zoë & co", "$9.00"))
    listed = dailies.json("budgets", "list", "by-command")
    assert [(each["user"], each["each_user"]) for each in listed] == [
        (None, True),
        (None, False),
        ("Zoë & co", False),
    ]
    for whose in ((), ("--each-user",), ("--user", "Zoë & co")):
        assert "deleted" in dailies.run("budgets", "delete", "by-command", *whose)
    assert "There is no budget" in dailies.run("budgets", "list", "by-command")
    assert "budget_not_found" in dailies.run("budgets", "delete", "by-command", status=1)


def test_an_operator_finds_a_video_of_anybody_and_stops_it(
    dailies: CommandLine, stack: RunningStack
) -> None:
    words = ("a buoy [sim render=3000]", "-m", "ray-3.2", "-s", "5", "--no-wait")
    made = dailies.json("generate", *words, "--field", "user=find-me")
    (found,) = dailies.json("find", "-f", "user=find-me", "-f", "model=ray-3.2")
    assert found["id"] == made["id"]
    assert "prompt" not in found
    assert made["id"] in dailies.run("find", "-f", "user=find-me")
    assert "no such video" in dailies.run("find", "-f", "user=nobody-at-all")
    assert made["id"] in dailies.run("stop", made["id"])
    ended = stack.wait_for(made["id"])
    assert ended["error"]["code"] == "cancelled"


def test_a_decision_is_handed_to_the_app(dailies: CommandLine) -> None:
    assert "--job" in dailies.run("resolve", "video_1", "adopt", status=1)
    assert "video_not_found" in dailies.run("resolve", f"video_{'0' * 32}", "end", status=1)


def test_a_batch_is_checked_ordered_watched_and_its_table_fetched(dailies: CommandLine) -> None:
    shots = dailies.folder / "shots.csv"
    shots.write_text("prompt,model,seconds\nit is wrong,ray-3.2,1\n")
    assert "line 2: " in dailies.run("batch", "shots.csv", status=1)
    (dailies.folder / "boat.png").write_bytes(png(6))
    rows = ["prompt,model,image_file,custom_id", "it sails,gen4.5,boat.png,a", "a pier,ray-3.2,,b"]
    shots.write_text("\n".join(rows))
    assert "2 shots, at most $" in dailies.run("batch", "--dry-run", "shots.csv")
    batch = dailies.json("batch", "shots.csv", "--watch", "--name", "two")
    assert batch["counts"]["completed"] == 2
    assert batch["id"] in dailies.run("batch", "list")
    assert "2 of 2 made" in dailies.run("batch", "show", batch["id"])
    table = dailies.run("batch", "results", batch["id"], "-o", "results.csv").strip()
    assert (dailies.folder / table).read_text().splitlines()[1].startswith("2,a,completed,video_")
    assert "nothing_failed" in dailies.run("batch", "retry", batch["id"], status=1)
