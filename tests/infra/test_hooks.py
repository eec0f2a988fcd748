"""The hooks that azd runs, with stand-ins for ``az`` and ``azd`` on the path."""

from __future__ import annotations

import hashlib
import re
import shutil

import pytest

from tests.infra.hook_shell import GIVEN, HOOKS, KEYED, Shell
from tests.infra.project import ROOT

_DEPLOYED = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg-test",
    "DAILIES_APP_NAME": "func-test",
    "DAILIES_SYSTEM_TOPIC": "topic-test",
    "DAILIES_EVENT_STORAGE": "steventtest",
    "DAILIES_VIDEO_STORAGE": "stvideotest",
    "DAILIES_DEAD_LETTER_CONTAINER": "deadletters",
    "DAILIES_REFERENCES_CONTAINER": "references",
    "DAILIES_BASE_URL": "https://func-test.example",
    "DAILIES_HOOK_PAUSE_SECONDS": "0",
}


def test_first_keys_are_shown_once_and_kept_as_hashes(shell: Shell) -> None:
    done = shell.run("preprovision", GIVEN)
    assert done.returncode == 0, done.stderr
    keys = re.findall(r"key \(shown once; only its hash is kept\): (\S+)", done.stdout)
    assert len(keys) == len(set(keys)) == 2
    api, admin = (hashlib.sha256(key.encode()).hexdigest() for key in keys)
    assert shell.calls == [
        f"azd env set DAILIES_API_KEYS me=sha256:{api}",
        f"azd env set DAILIES_ADMIN_KEYS admin=sha256:{admin}",
    ]


def test_no_admin_key_is_made_where_operators_come_with_tokens(shell: Shell) -> None:
    client = "00000000-0000-0000-0000-00000000000a"
    done = shell.run("preprovision", {**GIVEN, "DAILIES_ADMIN_CLIENT_ID": client})
    assert done.returncode == 0, done.stderr
    assert [call.partition("=")[0] for call in shell.calls] == ["azd env set DAILIES_API_KEYS me"]
    assert "admin" not in done.stdout


def test_keys_that_are_there_are_left_alone(shell: Shell) -> None:
    done = shell.run("preprovision", KEYED)
    assert done.returncode == 0, done.stderr
    assert shell.calls == []
    assert "shown once" not in done.stdout


@pytest.mark.parametrize("variable", ["CI", "TF_BUILD"])
def test_a_pipeline_never_prints_a_key(shell: Shell, variable: str) -> None:
    done = shell.run("preprovision", {**GIVEN, variable: "true"})
    assert done.returncode == 1
    assert "DAILIES_API_KEYS is not set" in done.stderr
    assert shell.calls == []


def test_the_host_file_must_fit_the_backend(shell: Shell) -> None:
    given = {**KEYED, "DAILIES_DURABLE_BACKEND": "scheduler"}
    done = shell.run("preprovision", given)
    assert done.returncode == 1
    assert "host.json is written for 'storage'" in done.stderr
    scheduler = (ROOT / "infra" / "host.scheduler.json").read_text()
    (shell.folder / "host.json").write_text(scheduler)
    assert shell.run("preprovision", given).returncode == 0


def test_the_first_month_of_a_budget_is_written_down_once(shell: Shell) -> None:
    given = {**KEYED, "DAILIES_MONTHLY_BUDGET": "100"}
    assert shell.run("preprovision", given).returncode == 0
    (call,) = shell.calls
    assert re.fullmatch(r"azd env set DAILIES_BUDGET_START \d{4}-\d{2}-01", call)
    assert (
        shell.run("preprovision", {**given, "DAILIES_BUDGET_START": "2026-01-01"}).returncode == 0
    )
    assert len(shell.calls) == 1


def test_the_subscription_is_made_once_the_trigger_runs(shell: Shell) -> None:
    # Not ready at the first question, ready at the second.
    shell.tool(
        "az",
        'case "$*" in *"keys list"*) if [ -e asked ]; then echo true; else echo false; fi ;; esac\n'
        "touch asked",
    )
    done = shell.run("postdeploy", _DEPLOYED)
    assert done.returncode == 0, done.stderr
    assert [call.split()[1:3] for call in shell.calls] == [
        ["functionapp", "keys"],
        ["functionapp", "keys"],
        ["deployment", "group"],
    ]
    assert "--template-file infra/blob-events.bicep" in shell.calls[-1]
    for part in ("functionAppName=func-test", "referencesContainer=references"):
        assert part in shell.calls[-1]


def test_a_trigger_that_never_runs_is_an_error_with_a_remedy(shell: Shell) -> None:
    shell.tool("az", "echo false")
    done = shell.run("postdeploy", _DEPLOYED)
    assert done.returncode == 1
    assert "azd hooks run postdeploy" in done.stderr
    assert not any("deployment" in call for call in shell.calls)


def test_a_subscription_that_fails_fails_the_hook(shell: Shell) -> None:
    shell.tool("az", 'case "$*" in *"keys list"*) echo true ;; *) exit 3 ;; esac')
    assert shell.run("postdeploy", _DEPLOYED).returncode != 0


def _pythons(shell: Shell, **versions: str) -> None:
    """Interpreters on the path, each with its version; they only write down what they are given."""
    for name, version in versions.items():
        shell.tool(name.replace("_", "."), f'[ "$1" != -c ] || echo {version}')
    template = shell.folder / "infra" / "main.bicep"
    template.parent.mkdir()
    template.write_text("param pythonVersion string = '3.11'\n")


@pytest.mark.parametrize(
    ("chosen", "program", "version"), [("", "python3.11", "3.11"), ("3.12", "python3", "3.12")]
)
def test_the_package_is_built_with_the_python_that_it_is_for(
    shell: Shell, chosen: str, program: str, version: str
) -> None:
    _pythons(shell, python3="3.12", python3_11="3.11")
    done = shell.run("predeploy", {**KEYED, "DAILIES_PYTHON_VERSION": chosen})
    assert done.returncode == 0, done.stderr
    assert shell.calls[-1] == (
        f"{program} -m scripts.build_package out/dailies.zip --for {version}"
    )


def test_without_that_python_nothing_is_deployed(shell: Shell) -> None:
    _pythons(shell, python3="3.12", python="3.9", python3_11="3.10")
    done = shell.run("predeploy", KEYED)
    assert done.returncode == 1
    assert "will run on Python 3.11" in done.stderr
    assert not any("build_package" in call for call in shell.calls)


@pytest.mark.skipif(
    shutil.which("pwsh") is None,
    reason="pwsh is not installed, so every test here ran the hooks for POSIX alone",
)
def test_the_hooks_for_windows_are_run_too(shell: Shell) -> None:
    assert shell.run("preprovision", KEYED).returncode == 0


@pytest.mark.parametrize("hook", ["preprovision", "predeploy", "postdeploy"])
def test_both_shells_know_the_same_names(hook: str) -> None:
    posix, windows = ((HOOKS / f"{hook}.{suffix}").read_text() for suffix in ("sh", "ps1"))
    names = r"\b(?:DAILIES|AZURE)_[A-Z_]+\b"
    assert set(re.findall(names, posix)) == set(re.findall(names, windows))
