"""The infrastructure and the code agree, and each mistake in either is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.infra.contract_names import name_problems
from tests.infra.contract_security import security_problems
from tests.infra.contract_structure import structure_problems
from tests.infra.project import Code, Infra, read_code, read_infra


@pytest.fixture(scope="module")
def infra() -> Infra:
    return read_infra()


@pytest.fixture(scope="module")
def code() -> Code:
    return read_code()


def test_every_template_parses_and_fits_together(infra: Infra) -> None:
    assert structure_problems(infra) == []


def test_nothing_is_open_wider_than_meant(infra: Infra) -> None:
    assert security_problems(infra) == []


def test_names_are_those_of_the_code(infra: Infra, code: Code) -> None:
    assert name_problems(infra, code) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        pytest.param(
            "infra/modules/app-roles.bicep",
            "d5a91429-5739-47e2-a06b-3470a27159e7",
            "d5a91429-5739-47e2-a06b-3470a27159e8",
            "the role id of eventGridDataSender",
            id="a wrong role id",
        ),
        pytest.param(
            "infra/modules/storage-account.bicep",
            "allowSharedKeyAccess: false",
            "allowSharedKeyAccess: true",
            "allowSharedKeyAccess = True",
            id="shared keys on",
        ),
        pytest.param(
            "infra/modules/storage-account.bicep",
            "    allowSharedKeyAccess: false\n",
            "",
            "allowSharedKeyAccess = None",
            id="shared keys left to the default",
        ),
        pytest.param(
            "infra/modules/storage-account.bicep",
            "minimumTlsVersion: 'TLS1_2'",
            "minimumTlsVersion: 'TLS1_0'",
            "minimumTlsVersion = TLS1_0",
            id="old TLS",
        ),
        pytest.param(
            "infra/modules/events.bicep",
            "    disableLocalAuth: true\n",
            "    disableLocalAuth: false\n",
            "disableLocalAuth = False",
            id="topic keys on",
        ),
        pytest.param(
            "infra/modules/app-roles.bicep",
            "  scope: topic\n",
            "  scope: resourceGroup()\n",
            "which is no single resource",
            id="a role on the whole group",
        ),
        pytest.param(
            "infra/modules/openai-role.bicep",
            "cognitiveServicesOpenAiUser: '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'",
            "contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c'",
            "the role id of contributor",
            id="a role that was not argued for",
        ),
        pytest.param(
            "infra/modules/app.bicep",
            "@secure()\nparam apiKeys string",
            "param apiKeys string",
            "apiKeys must be @secure()",
            id="a secret that is not marked as one",
        ),
        pytest.param(
            "infra/modules/monitoring.bicep",
            "output workspaceId string = workspace.id",
            "output workspaceKey string = workspace.listKeys().primarySharedKey",
            "reads an access key",
            id="an access key in an output",
        ),
    ],
)
def test_a_hole_is_seen(infra: Infra, name: str, old: str, new: str, finding: str) -> None:
    problems = security_problems(infra.with_text(name, old, new))
    assert any(finding in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        pytest.param(
            "infra/modules/app.bicep",
            "DAILIES_EVENT_TOPIC_ENDPOINT:",
            "DAILIES_TOPIC_ENDPOINT:",
            "sets DAILIES_TOPIC_ENDPOINT, which neither",
            id="a renamed setting",
        ),
        pytest.param(
            "infra/modules/app.bicep",
            "DAILIES_EVENT_TOPIC_ENDPOINT:",
            "DAILIES_TOPIC_ENDPOINT:",
            "does not set DAILIES_EVENT_TOPIC_ENDPOINT",
            id="a setting that went missing",
        ),
        pytest.param(
            "infra/modules/app.bicep",
            "AZURE_CLIENT_ID: identityClientId",
            "VideoStorage: identityClientId",
            "sets VideoStorage, which holds a key",
            id="a connection string",
        ),
        pytest.param(
            "infra/main.bicep",
            "var referencesContainer = 'references'",
            "var referencesContainer = 'images'",
            "the code says 'references'",
            id="a renamed container",
        ),
        pytest.param(
            "infra/main.bicep",
            "  'openvideos'\n",
            "",
            "the tables are",
            id="a table that is not made",
        ),
        pytest.param(
            "infra/blob-events.bicep",
            "'reference_uploaded'",
            "'on_reference'",
            "the trigger is 'on_reference'",
            id="a renamed trigger",
        ),
        pytest.param(
            "infra/blob-events.bicep",
            "${referencesContainer}/blobs/'",
            "${referencesContainer}'",
            "must end with the container",
            id="a filter that takes other containers too",
        ),
        pytest.param(
            "infra/modules/events.bicep",
            "'dailies.video.failed'",
            "'dailies.video.broken'",
            "no event has the type dailies.video.broken",
            id="an event that is never sent",
        ),
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
def test_a_name_that_differs_is_seen(
    infra: Infra, code: Code, name: str, old: str, new: str, finding: str
) -> None:
    problems = name_problems(infra.with_text(name, old, new), code)
    assert any(finding in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        pytest.param(
            {"containers": {"DAILIES_VIDEOS_CONTAINER": "films"}},
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
            "the function 'on_reference'",
            id="a trigger renamed in the code",
        ),
        pytest.param(
            {"binding_settings": frozenset({"DAILIES_NIGHTLY_SCHEDULE"})},
            "does not set DAILIES_NIGHTLY_SCHEDULE, which a binding names",
            id="a timer added in the code",
        ),
        pytest.param(
            {"catalogue_settings": frozenset({"OTHER_PROVIDER_ENDPOINT"})},
            "does not set OTHER_PROVIDER_ENDPOINT",
            id="a provider added to the catalogue",
        ),
    ],
)
def test_a_change_of_the_code_is_seen(
    infra: Infra, code: Code, change: dict[str, object], finding: str
) -> None:
    problems = name_problems(infra, replace(code, **change))  # type: ignore[arg-type]  # by name
    assert any(finding in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        pytest.param(
            "infra/main.bicep",
            "var taskHubName = 'dailies'",
            "var taskHubName = = 'dailies'",
            "infra/main.bicep:",
            id="a slip of the keyboard",
        ),
        pytest.param(
            "infra/modules/openai.bicep",
            "@2024-10-01'",
            "@latest'",
            "has no dated api version",
            id="an undated api version",
        ),
        pytest.param(
            "infra/modules/openai.bicep",
            "@2024-10-01'",
            "@2025-04-01-preview'",
            "uses the preview api version",
            id="a preview api version",
        ),
        pytest.param(
            "infra/main.bicep",
            "'modules/budget.bicep'",
            "'br/public:avm/budget:1.0'",
            "which is no file here",
            id="a registry module",
        ),
        pytest.param(
            "infra/main.bicep",
            "    paidJobsPerDay: paidJobsPerDay\n",
            "",
            "needs the parameter paidJobsPerDay",
            id="a parameter not handed on",
        ),
        pytest.param(
            "infra/main.bicep",
            "events.outputs.topicEndpoint",
            "events.outputs.endpoint",
            "has no output endpoint",
            id="an output that does not exist",
        ),
        pytest.param(
            "infra/main.bicep",
            "output DAILIES_SYSTEM_TOPIC ",
            "output DAILIES_TOPIC_OF_STORAGE ",
            "DAILIES_SYSTEM_TOPIC is no output",
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
    ],
)
def test_a_slip_in_the_templates_is_seen(
    infra: Infra, name: str, old: str, new: str, finding: str
) -> None:
    problems = structure_problems(infra.with_text(name, old, new))
    assert any(finding in problem for problem in problems), problems
