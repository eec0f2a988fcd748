"""What is wrong with a value of the azd environment is said by name before anything is made."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from itertools import zip_longest

import pytest

from tests.infra.hook_shell import GIVEN, HOOKS, KEYED, Shell
from tests.infra.parameter_sets import BASE, PARAMETER_SETS
from tests.infra.project import ROOT, Infra

_LINES = (HOOKS / "values.txt").read_text(encoding="utf-8").splitlines()
_RULES = [line.split(" ~ ") for line in _LINES if line and not line.startswith("#")]
_ASSIGNMENT = re.compile(r"^param (\w+) = .*readEnvironmentVariable\('(\w+)'", re.MULTILINE)
_PARAMETER = re.compile(r"(?P<decorators>(?:^@.*\n(?:(?![@p]).*\n)*)+)^param (?P<name>\w+)", re.M)
_ACCOUNT = (
    "/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/rg"
    "/providers/Microsoft.CognitiveServices/accounts/models"
)
_DEPLOYMENTS = PARAMETER_SETS["openai-new"]["AZURE_OPENAI_DEPLOYMENTS"]
_HASH = "sha256:" + "0" * 64

_WRONG: Mapping[str, tuple[str, ...]] = {
    "AZURE_ENV_NAME": ("my environment", "e" * 65, "first\nsecond"),
    "AZURE_LOCATION": ("sweden/central",),
    "DAILIES_RESOURCE_GROUP": ("rg.", "rg/one", "r" * 91),
    "DAILIES_OPERATOR_PRINCIPAL_ID": ("me@example.com", "00000000-0000-0000-0000-00000000000"),
    "DAILIES_OPERATOR_PRINCIPAL_TYPE": ("user",),
    "DAILIES_API_KEYS": (
        "dailies_0123",
        f"Me={_HASH}",
        f"me={_HASH[:-1]}",
        f"me={_HASH};you",
        f"me={_HASH};weight=0",
    ),
    "DAILIES_ADMIN_KEYS": ("dailies_0123", f"me={_HASH} you={_HASH}"),
    "DAILIES_ADMIN_CLIENT_ID": ("dailies-admin", "00000000-0000-0000-0000-00000000000"),
    "DAILIES_PYTHON_VERSION": ("3.10", "3"),
    "DAILIES_INSTANCE_MEMORY_MB": ("1024", "512 2048"),
    "DAILIES_MAXIMUM_INSTANCES": ("0", "1001", "forty", "4.5", "-1", "99999999999"),
    "DAILIES_ALWAYS_READY_HTTP": ("-1", "1001", "-"),
    "DAILIES_HTTP_CONCURRENCY": ("0", "1001"),
    "DAILIES_CONTENT_DELIVERY": ("links",),
    "DAILIES_UNRESOLVED_SUBMIT": ("retry",),
    "DAILIES_DELETE_UPSTREAM": ("yes", "1"),
    "DAILIES_SWEEP_SCHEDULE": ("*/5 * * * *",),
    "DAILIES_DROP_OWNER": ("Drops", "-drops"),
    "DAILIES_LOG_LEVEL": ("info", "INFO WARNING"),
    "DAILIES_EXTRA_SETTINGS": ("[]", "A=b"),
    "DAILIES_RETENTION_DAYS": ("-1", "30d"),
    "DAILIES_COOL_DAYS": ("-1",),
    "DAILIES_REFERENCE_RETENTION_DAYS": ("-1",),
    "DAILIES_SOFT_DELETE_DAYS": ("366",),
    "DAILIES_HISTORY_DAYS": ("0",),
    "DAILIES_VIDEO_STORAGE_SKU": ("Premium_LRS", "LRS"),
    "DAILIES_HOST_STORAGE_SKU": ("standard_lrs",),
    "AZURE_OPENAI_ENDPOINT": ("my-resource.openai.azure.com", "http://example.com", "https://"),
    "AZURE_OPENAI_ACCOUNT_ID": ("models", f"{_ACCOUNT}/deployments/sora-2", _ACCOUNT[:-7]),
    "AZURE_OPENAI_DEPLOYMENTS": ("sora-2", "{}"),
    "AZURE_OPENAI_LOCATION": ("east_us",),
    "AZURE_OPENAI_SORA_2_DEPLOYMENT": ("sora 2",),
    "AZURE_OPENAI_SORA_2_PRO_DEPLOYMENT": ("sora 2 pro",),
    "AZURE_OPENAI_SORA_DEPLOYMENT": ("sora 1",),
    "AZURE_OPENAI_CREDENTIAL": ("key",),
    "DAILIES_WITH_KEY_VAULT": ("on",),
    "DAILIES_WITH_CONTENT_SAFETY": ("on",),
    "DAILIES_CONTENT_SAFETY_ACCOUNT_ID": ("safety", f"{_ACCOUNT}/deployments"),
    "DAILIES_CONTENT_SAFETY_ENDPOINT": ("http://example.com", "https://example.com/contentsafety"),
    "DAILIES_CONTENT_SAFETY_LOCATION": ("west_europe",),
    "DAILIES_GUARD_FRAMES": ("-1", "13"),
    "DAILIES_DURABLE_BACKEND": ("dts",),
    "DAILIES_SCHEDULER_SKU": ("Free",),
    "DAILIES_SCHEDULER_IP_ALLOWLIST": ("0.0.0.0/0", "[]"),
    "DAILIES_VNET": ("TRUE!", "0"),
    "DAILIES_ALLOWED_IP_RANGES": (
        "203.0.113.7",
        '["203.0.113.7/32"]',
        '["203.0.113.7", "10.0.0.1"]',
        '["172.16.0.0/12"]',
        '["example.com"]',
    ),
    "DAILIES_ALERT_EMAILS": ("ops@example.com", '["ops"]', '["a@b.c",]'),
    "DAILIES_PAID_JOBS_PER_DAY": ("0",),
    "DAILIES_MONTHLY_BUDGET": ("-5", "100.50"),
    "DAILIES_BUDGET_START": ("2026-12-02", "2026-13-01", "12/2026"),
    "DAILIES_LOG_RETENTION_DAYS": ("29", "731"),
    "DAILIES_LOG_DAILY_CAP_GB": ("0", "-2"),
    "DAILIES_EXAMPLE_SUBSCRIPTION": ("no",),
}

_RIGHT: Mapping[str, tuple[str, ...]] = {
    "DAILIES_API_KEYS": (
        f"me={_HASH}",
        f" a={_HASH}, b-2={_HASH},",
        f"a={_HASH};priorities=low+normal;weight=20,b={_HASH};weight=3",
    ),
    "DAILIES_MAXIMUM_INSTANCES": ("1", "1000", "008"),
    "DAILIES_DELETE_UPSTREAM": ("true", "False"),
    "DAILIES_EXTRA_SETTINGS": ("{}", '{"A": "b"}'),
    "DAILIES_RETENTION_DAYS": ("0", "36500"),
    "DAILIES_VIDEO_STORAGE_SKU": ("Standard_RAGZRS",),
    "AZURE_OPENAI_ENDPOINT": ("https://example.com", "https://example.com:8443/videos"),
    "AZURE_OPENAI_ACCOUNT_ID": (_ACCOUNT, _ACCOUNT.replace("resourceGroups", "resourcegroups")),
    "AZURE_OPENAI_DEPLOYMENTS": ("[]", _DEPLOYMENTS.replace("}, {", "},\n\t{")),
    "DAILIES_CONTENT_SAFETY_ENDPOINT": ("https://my-safety.cognitiveservices.azure.com/",),
    "DAILIES_VNET": ("true",),
    "DAILIES_ALLOWED_IP_RANGES": ("[]", '["203.0.113.7","198.51.100.0/30"]', "[\n]"),
    "DAILIES_ALERT_EMAILS": ("[]", '["ops@example.com", "me@example.com"]'),
    "DAILIES_LOG_DAILY_CAP_GB": ("-1", "1"),
}


def _rounds(values: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """One value of each name at a time, since a run of the hook looks at all names."""
    return [
        {name: value for name, value in zip(values, row, strict=True) if value is not None}
        for row in zip_longest(*values.values())
    ]


def _complaints(text: str) -> set[str]:
    return set(re.findall(r"^error: (\w+) is ", text, re.MULTILINE))


def test_every_value_has_a_rule_and_a_wrong_example(infra: Infra) -> None:
    known = {name for _, name in _ASSIGNMENT.findall(infra.texts["infra/main.bicepparam"])}
    assert {name for name, _, _ in _RULES} == known
    assert _WRONG.keys() == known


def test_the_limits_are_those_of_the_template(infra: Infra) -> None:
    """What the template refuses, a hook says before; it may be narrower than the template."""
    names = dict(_ASSIGNMENT.findall(infra.texts["infra/main.bicepparam"]))
    rules = {name: rule for name, rule, _ in _RULES}
    seen = 0
    for match in _PARAMETER.finditer(infra.texts["infra/main.bicep"]):
        rule = rules[names[match["name"]]]
        bounds = dict(re.findall(r"@(minValue|maxValue)\((-?\d+)\)", match["decorators"]))
        if bounds and rule.startswith("whole "):
            _, low, high = rule.split()
            assert low == bounds["minValue"], match["name"]
            assert high == bounds.get("maxValue", high), match["name"]
            seen += 1
        if allowed := re.search(r"@allowed\(\[(.*)\]\)", match["decorators"]):
            words = [word for word in re.findall(r"'([^']*)'", allowed[1]) if word]
            assert rule == f"one of {' '.join(words)}", match["name"]
            seen += 1
    assert seen >= 18


def test_the_first_values_must_be_there(shell: Shell) -> None:
    done = shell.run("preprovision", {})
    assert done.returncode == 1
    assert _complaints(done.stderr) == {"AZURE_ENV_NAME", "AZURE_LOCATION"}
    assert "azd env set AZURE_LOCATION" in done.stderr
    assert shell.calls == []


def test_a_region_that_azd_can_ask_for_may_be_missing(shell: Shell) -> None:
    ours, theirs = os.openpty()
    try:
        given = {name: value for name, value in KEYED.items() if name != "AZURE_LOCATION"}
        done = shell.run("preprovision", given, stdin=theirs)
        assert (done.returncode, done.stderr) == (0, "")
        done = shell.run("preprovision", {**given, "CI": "true"}, stdin=theirs)
        assert _complaints(done.stderr) == {"AZURE_LOCATION"}
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("name", PARAMETER_SETS)
def test_the_predicted_deployments_are_let_through(shell: Shell, name: str) -> None:
    given = {**BASE, **PARAMETER_SETS[name]}
    if given.get("DAILIES_DURABLE_BACKEND") == "scheduler":
        text = (ROOT / "infra" / "host.scheduler.json").read_text()
        (shell.folder / "host.json").write_text(text)
    done = shell.run("preprovision", given)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("given", _rounds(_WRONG), ids=lambda given: f"{len(given)}-values")
def test_each_wrong_value_is_named_with_what_to_set(shell: Shell, given: dict[str, str]) -> None:
    done = shell.run("preprovision", {**KEYED, **given})
    assert done.returncode == 1
    assert _complaints(done.stderr) == given.keys()
    for name in given:
        assert f"azd env set {name} <value>" in done.stderr
    assert shell.calls == []


@pytest.mark.parametrize("given", _rounds(_RIGHT), ids=lambda given: f"{len(given)}-values")
def test_right_values_are_not_complained_of(shell: Shell, given: dict[str, str]) -> None:
    done = shell.run("preprovision", {**KEYED, **given})
    assert "it must be" not in done.stderr


def _holds(rule: str, value: str) -> bool:
    """A rule as Python reads it, for those that are regular expressions."""
    kind, _, rest = rule.partition(" ")
    if kind == "like":
        return re.fullmatch(rest, value) is not None
    return kind != "unlike" or re.search(rest, value) is None


def test_the_expressions_mean_the_same_to_another_engine() -> None:
    """grep reads them here; PowerShell, which not every machine has, reads them as Python does."""
    for name in {name for name, rule, _ in _RULES if rule.startswith(("like ", "unlike "))}:
        rules = [rule for other, rule, _ in _RULES if other == name]
        for value in _RIGHT.get(name, ()):
            assert all(_holds(rule, re.sub(r"[\n\t]", " ", value)) for rule in rules), (name, value)
        for value in _WRONG[name]:
            assert not all(_holds(rule, value) for rule in rules), (name, value)


def test_a_key_in_place_of_its_hash_is_not_shown(shell: Shell) -> None:
    done = shell.run("preprovision", {**GIVEN, "DAILIES_API_KEYS": "dailies_5ecre7"})
    assert "DAILIES_API_KEYS is not of its form" in done.stderr
    assert "5ecre7" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"DAILIES_ALWAYS_READY_HTTP": "41"}, "DAILIES_MAXIMUM_INSTANCES, '40'"),
        (
            {"DAILIES_ALWAYS_READY_HTTP": "3", "DAILIES_MAXIMUM_INSTANCES": "2"},
            "DAILIES_MAXIMUM_INSTANCES, '2'",
        ),
        ({"DAILIES_RETENTION_DAYS": "7", "DAILIES_COOL_DAYS": "7"}, "DAILIES_COOL_DAYS is '7'"),
        ({"DAILIES_ALLOWED_IP_RANGES": '["203.0.113.7"]'}, "set DAILIES_VNET to true"),
        (
            {"AZURE_OPENAI_ACCOUNT_ID": _ACCOUNT, "AZURE_OPENAI_DEPLOYMENTS": _DEPLOYMENTS},
            "AZURE_OPENAI_ACCOUNT_ID and AZURE_OPENAI_DEPLOYMENTS",
        ),
        (
            {
                "DAILIES_CONTENT_SAFETY_ACCOUNT_ID": _ACCOUNT,
                "DAILIES_WITH_CONTENT_SAFETY": "true",
            },
            "DAILIES_CONTENT_SAFETY_ACCOUNT_ID and DAILIES_WITH_CONTENT_SAFETY",
        ),
        ({"AZURE_OPENAI_CREDENTIAL": "api-key"}, "AZURE_OPENAI_ENDPOINT is not set"),
        (
            {"AZURE_OPENAI_CREDENTIAL": "api-key", "AZURE_OPENAI_DEPLOYMENTS": _DEPLOYMENTS},
            "takes no keys",
        ),
        ({"DAILIES_DURABLE_BACKEND": "scheduler"}, "host.json is written for 'storage'"),
    ],
)
def test_values_that_contradict_each_other_are_named(
    shell: Shell, given: dict[str, str], named: str
) -> None:
    done = shell.run("preprovision", {**GIVEN, **given})
    assert done.returncode == 1
    assert named in done.stderr
    assert shell.calls == []  # no key was made, nothing was set


@pytest.mark.parametrize(
    "given",
    [
        {"DAILIES_ALWAYS_READY_HTTP": "40"},
        {"DAILIES_RETENTION_DAYS": "7", "DAILIES_COOL_DAYS": "6"},
        {"DAILIES_COOL_DAYS": "30"},
        {"AZURE_OPENAI_CREDENTIAL": "api-key", "AZURE_OPENAI_ACCOUNT_ID": _ACCOUNT},
    ],
)
def test_values_that_go_together_are_let_through(shell: Shell, given: dict[str, str]) -> None:
    done = shell.run("preprovision", {**KEYED, **given})
    assert (done.returncode, done.stderr) == (0, "")


def test_the_most_instances_are_those_of_the_parameters(infra: Infra) -> None:
    """The hooks compare with a default that the parameter file has."""
    text = infra.texts["infra/main.bicepparam"]
    (default,) = re.findall(r"'DAILIES_MAXIMUM_INSTANCES', '(\d+)'", text)
    posix, windows = (infra.texts[f"infra/hooks/preprovision.{end}"] for end in ("sh", "ps1"))
    assert f"${{DAILIES_MAXIMUM_INSTANCES:-{default}}}" in posix
    assert f"Get-Value DAILIES_MAXIMUM_INSTANCES '{default}'" in windows


def test_links_that_work_inside_the_network_alone_are_noted(shell: Shell) -> None:
    given = {**KEYED, "DAILIES_VNET": "true", "DAILIES_CONTENT_DELIVERY": "redirect"}
    done = shell.run("preprovision", given)
    assert done.returncode == 0
    assert "links to videos work inside the network alone" in done.stdout


def test_a_missing_provider_is_noted(shell: Shell) -> None:
    note = "refuses every request until a provider is"
    assert note in shell.run("preprovision", KEYED).stdout
    given = {**KEYED, "AZURE_OPENAI_DEPLOYMENTS": _DEPLOYMENTS}
    assert note not in shell.run("preprovision", given).stdout
