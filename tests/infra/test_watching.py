"""What goes wrong is logged, kept and told of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.contract_watching import watching_problems
from tests.infra.mistakes import Deployments, assert_seen, replaced
from tests.infra.project import Infra

_GUIDE = "docs/operations.md"
_SECOND = "blob-events"
_SITE = "Microsoft.Web/sites/func-dailies-<token>"
_DROPPED = "eventSubscriptions/reference-dropped"


def test_what_fails_is_seen(infra: Infra, deployments: Deployments) -> None:
    assert watching_problems(deployments, infra.queries, infra.texts[_GUIDE]) == []


@pytest.mark.parametrize(
    ("name", "part", "path", "value", "finding"),
    [
        pytest.param(
            "key-vault",
            "diagnosticSettings/audit",
            "properties.logs",
            [{"category": "AuditEvent", "enabled": False}],
            "does not log ['AuditEvent']",
            id="a log that is off",
        ),
        pytest.param(
            _SECOND,
            _DROPPED,
            "properties.deadLetterWithResourceIdentity",
            None,
            "keeps no event",
            id="no dead letters",
        ),
        pytest.param(
            _SECOND,
            _DROPPED,
            "properties.retryPolicy.eventTimeToLiveInMinutes",
            60,
            "does not try for a day",
            id="an hour of tries",
        ),
        pytest.param(
            "default",
            "scheduledQueryRules/paid-jobs",
            "properties.actions",
            {"actionGroups": []},
            "tells nobody",
            id="an alert for nobody",
        ),
        pytest.param(
            "default",
            "Microsoft.Insights/workbooks/",
            "properties.serializedData",
            {"items": [{"query": "<queries/none.kql>"}]},
            "which is no file",
            id="a query that does not exist",
        ),
        pytest.param("default", _SITE, "tags", {}, "lacks the tag", id="no tag"),
    ],
)
def test_what_would_happen_unseen_is_seen(
    infra: Infra,
    deployments: Deployments,
    name: str,
    part: str,
    path: str,
    value: Any,
    finding: str,
) -> None:
    wrong = replaced(deployments, name, deployments[name].with_value(part, path, value))
    assert_seen(finding, watching_problems(wrong, infra.queries, infra.texts[_GUIDE]))


def test_an_alert_that_is_not_explained_is_seen(infra: Infra, deployments: Deployments) -> None:
    guide = infra.texts[_GUIDE].replace("### `stuck-videos`", "### `stuck`")
    assert_seen("the alert stuck-videos", watching_problems(deployments, infra.queries, guide))
