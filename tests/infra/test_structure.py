"""Every template is used, every switch turned and every parameter handed on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.infra.contract_structure import structure_problems
from tests.infra.mistakes import Deployments, assert_seen, replaced
from tests.infra.project import Infra

_STORAGE = "Microsoft.Storage/storageAccounts/"
_SITE = "Microsoft.Web/sites/func-dailies-<token>"


def test_every_template_is_used_and_every_switch_turned(
    infra: Infra, deployments: Deployments
) -> None:
    assert structure_problems(infra, deployments) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        pytest.param(
            "infra/main.bicep",
            "'modules/budget.bicep'",
            "'br/public:avm/budget:1.0'",
            "which is no file here",
            id="a module of a registry",
        ),
        pytest.param(
            "infra/main.bicep",
            "'modules/budget.bicep'",
            "'modules/alerts.bicep'",
            "infra/modules/budget.bicep: no template uses it",
            id="a module that nobody uses",
        ),
        pytest.param(
            "infra/modules/app.bicep",
            "@secure()\nparam apiKeys string",
            "param apiKeys string",
            "infra/modules/app.bicep: the parameter apiKeys must be @secure()",
            id="a secret that is not marked as one",
        ),
        pytest.param(
            "infra/main.bicep",
            "events.outputs.topicEndpoint",
            "''",
            "the output topicEndpoint is not used",
            id="an output that nobody reads",
        ),
        pytest.param(
            "docs/operations.md",
            "`DAILIES_OUTBOUND_IP`",
            "`DAILIES_ADDRESS`",
            "the output DAILIES_OUTBOUND_IP is read by no hook",
            id="an output that nobody is told of",
        ),
        pytest.param(
            "infra/hooks/postdeploy.ps1",
            "$env:DAILIES_SYSTEM_TOPIC",
            "$env:DAILIES_TOPIC_OF_STORAGE",
            "DAILIES_TOPIC_OF_STORAGE is no output",
            id="an output that a hook waits for",
        ),
        pytest.param(
            "infra/hooks/postdeploy.sh",
            'systemTopicName="$DAILIES_SYSTEM_TOPIC"',
            'topicName="$DAILIES_SYSTEM_TOPIC"',
            "blob-events.bicep takes",
            id="a hook that gives another parameter",
        ),
        pytest.param(
            "infra/main.bicepparam",
            "param logLevel =",
            "param level =",
            "no value for logLevel",
            id="a parameter without a value",
        ),
        pytest.param(
            "infra/main.bicepparam",
            "'DAILIES_COOL_DAYS'",
            "'DAILIES_CHILL_DAYS'",
            "no parameter set gives DAILIES_CHILL_DAYS",
            id="a switch that is never turned",
        ),
        pytest.param(
            "docs/operations.md",
            "`DAILIES_COOL_DAYS`",
            "`DAILIES_CHILL_DAYS`",
            "the deployment setting DAILIES_COOL_DAYS is not explained",
            id="a switch that is not explained",
        ),
    ],
)
def test_what_is_made_for_nobody_is_seen(
    infra: Infra, deployments: Deployments, name: str, old: str, new: str, finding: str
) -> None:
    assert_seen(finding, structure_problems(infra.with_text(name, old, new), deployments))


def test_a_preview_version_is_seen(infra: Infra, deployments: Deployments) -> None:
    wrong = deployments["default"].with_value(_SITE, "apiVersion", "2026-01-01-preview")
    problems = structure_problems(infra, replaced(deployments, "default", wrong))
    assert_seen("uses the preview version 2026-01-01-preview", problems)


def test_a_parameter_set_that_changes_nothing_is_seen(
    infra: Infra, deployments: Deployments
) -> None:
    idle = replace(deployments["default"], environment={"DAILIES_VNET": "false"})
    problems = structure_problems(infra, replaced(deployments, "network", idle))
    assert_seen("network: nothing differs from the default", problems)
