"""The infrastructure and the code use the same names, and a slip in either is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.infra.contract_names import name_problems
from tests.infra.mistakes import Deployments, assert_seen, replaced
from tests.infra.project import Code, Infra

_SECOND = "blob-events"
_SETTINGS = "Microsoft.Web/sites/func-dailies-<token>/config/appsettings"
_DROPPED = "eventSubscriptions/reference-dropped"


def test_names_are_those_of_the_code(infra: Infra, deployments: Deployments, code: Code) -> None:
    assert name_problems(infra, deployments, code) == []


@pytest.mark.parametrize(
    ("name", "part", "path", "value", "finding"),
    [
        pytest.param(
            "default",
            _SETTINGS,
            "properties.DAILIES_TOPIC_ENDPOINT",
            "x",
            "given DAILIES_TOPIC_ENDPOINT, which neither",
            id="a setting that nobody reads",
        ),
        pytest.param(
            "default",
            _SETTINGS,
            "properties.VideoStorage",
            "x",
            "given VideoStorage, which holds a key",
            id="a connection string",
        ),
        pytest.param(
            "large",
            _SETTINGS,
            "properties.DAILIES_SWEEP_SCHEDULE",
            None,
            "large: the app lacks DAILIES_SWEEP_SCHEDULE, which a binding names",
            id="a setting of a binding, in one deployment alone",
        ),
        pytest.param(
            "app-settings",
            _SETTINGS,
            "properties.DAILIES_HISTORY_DAYS",
            "-1",
            "would refuse its settings: DAILIES_HISTORY_DAYS",
            id="a value that the app refuses",
        ),
        pytest.param(
            "api-key",
            _SETTINGS,
            "properties.AZURE_OPENAI_CREDENTIAL",
            "password",
            "would refuse its settings",
            id="a value that the catalogue refuses",
        ),
        pytest.param(
            "default",
            _SETTINGS,
            "properties.DAILIES_REFERENCES_CONTAINER",
            "images",
            "DAILIES_REFERENCES_CONTAINER is 'images', the code says 'references'",
            id="a renamed container",
        ),
        pytest.param(
            _SECOND,
            _DROPPED,
            "properties.destination.properties.endpointUrl",
            "[format('…/runtime/webhooks/EventGrid?functionName={1}', 'on_reference')]",
            "does not name 'reference_uploaded'",
            id="a renamed trigger",
        ),
        pytest.param(
            _SECOND,
            _DROPPED,
            "properties.destination.properties.endpointUrl",
            "[format('…/runtime/webhooks/blobs?functionName={1}', 'reference_uploaded')]",
            "that of another webhook",
            id="the webhook of another trigger",
        ),
        pytest.param(
            _SECOND,
            _DROPPED,
            "properties.filter.subjectBeginsWith",
            "/blobServices/default/containers/references",
            "not the container 'references' alone",
            id="a filter that takes other containers too",
        ),
        pytest.param(
            _SECOND,
            _DROPPED,
            "properties.eventDeliverySchema",
            "CloudEventSchemaV1_0",
            "does not take the schema",
            id="events that the host does not take",
        ),
        pytest.param(
            _SECOND,
            _DROPPED,
            "properties.filter.includedEventTypes",
            ["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"],
            "Microsoft.Storage.BlobDeleted",
            id="events of what was deleted",
        ),
        pytest.param(
            "default",
            "eventSubscriptions/finished-videos",
            "properties.filter.includedEventTypes",
            ["dailies.video.broken"],
            "no event has the type dailies.video.broken",
            id="an event that is never sent",
        ),
        pytest.param(
            "scheduler",
            _SETTINGS,
            "properties.DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
            None,
            "does not fit the backend",
            id="a scheduler that the app can't find",
        ),
    ],
)
def test_a_name_that_differs_is_seen(
    infra: Infra,
    deployments: Deployments,
    code: Code,
    name: str,
    part: str,
    path: str,
    value: Any,
    finding: str,
) -> None:
    wrong = replaced(deployments, name, deployments[name].with_value(part, path, value))
    assert_seen(finding, name_problems(infra, wrong, code))


def test_a_table_that_is_not_made_is_seen(
    infra: Infra, deployments: Deployments, code: Code
) -> None:
    wrong = deployments["default"].without("tables/openvideos")
    problems = name_problems(infra, replaced(deployments, "default", wrong), code)
    assert_seen("default: the tables are", problems)


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        pytest.param(
            "infra/queries/spend.kql",
            "line.cost_usd",
            "line.price",
            "has a field 'price'",
            id="a log field that is never written",
        ),
        pytest.param(
            "infra/queries/failed-videos.kql",
            '"video_ended"',
            '"video_failed"',
            "logs no event 'video_failed'",
            id="a log event that is never written",
        ),
        pytest.param(
            "infra/host.scheduler.json",
            '"hubName": "dailies"',
            '"hubName": "other"',
            "the task hub is 'other'",
            id="another task hub",
        ),
        pytest.param(
            "host.json",
            '"maxConcurrentActivityFunctions": 8',
            '"maxConcurrentActivityFunctions": 9',
            "differs from host.json",
            id="two host files that drift apart",
        ),
    ],
)
def test_a_name_that_differs_in_a_file_is_seen(
    infra: Infra,
    deployments: Deployments,
    code: Code,
    name: str,
    old: str,
    new: str,
    finding: str,
) -> None:
    assert_seen(finding, name_problems(infra.with_text(name, old, new), deployments, code))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        pytest.param(
            {"containers": {"DAILIES_REFERENCES_CONTAINER": "films"}},
            "the code says 'films'",
            id="a container renamed in the code",
        ),
        pytest.param(
            {"tables": ("videos", "openvideos", "claims", "drops", "owners")},
            "the code says ['claims', 'drops', 'openvideos', 'owners', 'videos']",
            id="a table added in the code",
        ),
        pytest.param(
            {"drop_trigger": "on_reference"},
            "does not name 'on_reference'",
            id="a trigger renamed in the code",
        ),
        pytest.param(
            {"binding_settings": frozenset({"DAILIES_NIGHTLY_SCHEDULE"})},
            "lacks DAILIES_NIGHTLY_SCHEDULE, which a binding names",
            id="a timer added in the code",
        ),
        pytest.param(
            {"catalogue_settings": frozenset({"OTHER_PROVIDER_ENDPOINT"})},
            "no app is given OTHER_PROVIDER_ENDPOINT",
            id="a provider added to the catalogue",
        ),
    ],
)
def test_a_change_of_the_code_is_seen(
    infra: Infra,
    deployments: Deployments,
    code: Code,
    change: dict[str, object],
    finding: str,
) -> None:
    changed = replace(code, **change)  # type: ignore[arg-type]  # by name
    assert_seen(finding, name_problems(infra, deployments, changed))
