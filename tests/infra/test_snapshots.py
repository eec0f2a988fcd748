"""The templates compile without a warning, and make what the snapshots say.

A machine without the compiler still knows that the snapshots are of these templates, so that what
other tests find out about the snapshots holds for the templates there too.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.infra.compiler import VERSION, Compiler, CompilerError, find_compiler
from tests.infra.parameter_sets import BASE, PARAMETER_SETS
from tests.infra.predicted import Deployment, normalised
from tests.infra.project import ROOT
from tests.infra.snapshots import (
    FOLDER,
    SECOND,
    checksums,
    kept_checksums,
    merge_patch,
    patched,
    predicted,
    rendered,
)

_NAMES = (*PARAMETER_SETS, SECOND)
_AGAIN = "; write the snapshots anew with `make infra-snapshots`, and look at what changed"

_values = st.recursive(
    st.one_of(st.booleans(), st.integers(-2, 2), st.sampled_from(["", "a", "b"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=6,
)
_documents = st.dictionaries(st.sampled_from("xyz"), _values, max_size=3)


def test_the_snapshots_are_of_these_templates() -> None:
    now, then = checksums(), kept_checksums()
    changed = sorted(path for path in now.keys() | then.keys() if now.get(path) != then.get(path))
    assert changed == [], "changed since the snapshots were made" + _AGAIN


def test_there_is_a_snapshot_for_each_parameter_set_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(_NAMES)


def test_the_templates_compile_without_a_warning(compiler: Compiler) -> None:
    assert compiler.lint() == []


@pytest.fixture(scope="module")
def fresh(compiler: Compiler) -> dict[str, Deployment]:
    """Every parameter set, predicted now; two at a time, since each takes seconds."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = pool.map(lambda name: predicted(compiler, name), _NAMES)
        return dict(zip(_NAMES, made, strict=True))


@pytest.mark.parametrize("name", _NAMES)
def test_what_would_be_made_is_what_was_reviewed(
    fresh: dict[str, Deployment], compiler: Compiler, name: str
) -> None:
    text = rendered(name, fresh[name], fresh["default"])
    kept_text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert text == kept_text, _hint(compiler)


def _hint(compiler: Compiler) -> str:
    made_with = f"they are made with Bicep {VERSION}, this is {compiler.version()}"
    return f"the templates make something else ({made_with}){_AGAIN}"


_Mistake = tuple[str, str, str]
"""The name of a template, what stands there, and what stands there in its place."""


def _with(compiler: Compiler, folder: Path, *mistakes: _Mistake) -> Compiler:
    """The compiler over a copy of the templates that has these mistakes."""
    copy = folder / "infra"
    shutil.copytree(compiler.infra, copy)
    for name, old, new in mistakes:
        text = (copy / name).read_text(encoding="utf-8")
        assert old in text
        (copy / name).write_text(text.replace(old, new), encoding="utf-8")
    return replace(compiler, infra=copy)


_MISTAKES: dict[str, _Mistake] = {
    # a slip of the keyboard, where it hides no other mistake
    "modules/identity.bicep:*Error BCP": (
        "modules/identity.bicep",
        "output id string = identity.id",
        "output id string = = identity.id",
    ),
    # an output of a module that may not be there
    "main.bicep:*Warning BCP318": (
        "main.bicep",
        "network.?outputs.outboundIp ?? ''",
        "network.outputs.outboundIp",
    ),
    # a parameter that is not handed on
    "main.bicep:*Error BCP035": ("main.bicep", "    paidJobsPerDay: paidJobsPerDay\n", ""),
    "modules/openai.bicep:*use-recent-api-versions": (
        "modules/openai.bicep",
        "accounts@2025-09-01",
        "accounts@2023-05-01",
    ),
    "modules/network.bicep:*no-unused-vars": (
        "modules/network.bicep",
        "metadata description",
        "var unused = 1\n\nmetadata description",
    ),
}


def test_mistakes_in_the_templates_are_seen(compiler: Compiler, tmp_path: Path) -> None:
    """All in one copy, as the compiler takes its seconds whatever it finds."""
    findings = _with(compiler, tmp_path, *_MISTAKES.values()).lint()
    for finding in _MISTAKES:
        assert any(fnmatch(found, f"{finding}*") for found in findings), (finding, findings)


def test_a_hole_in_a_template_arrives_in_what_is_predicted(
    compiler: Compiler, tmp_path: Path, deployments: dict[str, Deployment]
) -> None:
    """The way from a template to the rules: the compiler, the form that is kept, one value."""
    name = "modules/storage-account.bicep"
    hole = (name, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true")
    wrong = _with(compiler, tmp_path, hole)
    found = predicted(wrong, "default")
    assert found.resources != deployments["default"].resources
    accounts = found.of_type("Microsoft.Storage/storageAccounts")
    keys = [account.at("properties.allowSharedKeyAccess") for account in accounts]
    assert keys == [True, True, True]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DAILIES_MAXIMUM_INSTANCES", "0"),
        ("DAILIES_LOG_LEVEL", "LOUD"),
        ("AZURE_OPENAI_DEPLOYMENTS", '[{"name": "sora-2"}]'),
    ],
)
def test_a_value_out_of_bounds_is_refused(compiler: Compiler, name: str, value: str) -> None:
    with pytest.raises(CompilerError):
        compiler.predict({**BASE, name: value})


def test_a_compiler_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BICEP", str(ROOT / "no-such-program"))
    with pytest.raises(FileNotFoundError, match="which is no program"):
        find_compiler()


@given(_documents, _documents)
def test_a_merge_patch_leads_from_one_document_to_the_other(
    old: dict[str, object], new: dict[str, object]
) -> None:
    assert patched(old, merge_patch(old, new)) == new


def test_what_says_nothing_is_shortened() -> None:
    group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-test"
    identity = "Microsoft.ManagedIdentity/userAssignedIdentities/id-dailies-abcdefghijklm"
    storage = f"{group}/providers/Microsoft.Storage/storageAccounts/stvideoabcdefghijklm"
    principal = f"reference('{group}/providers/{identity}', '2024-11-30').principalId"
    role = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    account = {
        "id": storage,
        "type": "Microsoft.Storage/storageAccounts",
        "name": "stvideoabcdefghijklm",
        "properties": {"absent": None, "query": "traces", "off": False},
    }
    name = f"[guid('{storage}', {principal}, '{role}')]"
    assignment = {
        "id": f"[extensionResourceId('{storage}', 'Microsoft.Authorization/…', {name[1:-1]})]",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
        "properties": {
            "principalId": f"[{principal}]",
            "roleDefinitionId": f"{group[:51]}/providers/M.A/roleDefinitions/{role}",
        },
    }
    raw = {"predictedResources": [account, assignment], "outputs": {"account": account["name"]}}
    found = normalised(raw, {}, {"all.kql": "traces"})
    short = "Microsoft.Storage/storageAccounts/stvideo<token>"
    grant = f"{short}/roleAssignments/app/Storage Blob Data Contributor"
    assert found.outputs == {"account": "stvideo<token>"}
    assert found.resources[short]["properties"] == {"query": "<queries/all.kql>", "off": False}
    assert found.resources[grant]["name"].startswith(f"[guid('{short}', reference('Microsoft.")
    assert found.resources.keys() == {short, grant}


def test_two_resources_with_one_id_are_an_error() -> None:
    twice = {"id": "Microsoft.A/b/c", "type": "Microsoft.A/b", "name": "c"}
    with pytest.raises(ValueError, match="two resources have the id"):
        normalised({"predictedResources": [twice, twice], "outputs": {}}, {}, {})
