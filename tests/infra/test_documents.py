"""azure.yaml, host.json and the workflows have the form that their readers expect.

The models are narrower than the published schemas: they hold what Dailies uses, so a key that is
misspelt, or that nobody reads, is an error. Sources:
https://learn.microsoft.com/azure/developer/azure-developer-cli/azd-schema,
https://learn.microsoft.com/azure/azure-functions/functions-host-json and
https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-bindings#host-json.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dailies.providers.registry import known_providers
from dailies.settings import Settings
from dailies.video.errors import SettingsError
from tests.infra.compiler import VERSION
from tests.infra.project import ROOT, read_code, read_infra

TimeSpan = Annotated[str, Field(pattern=r"^\d\d:\d\d:\d\d$")]
# With more, what a host had when it died is begun again too late; with less, the extension doesn't
# start.
Visibility = Literal["00:01:00"]
Level = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"]
_WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Hook(_Strict):
    shell: Literal["sh", "pwsh"]
    run: str
    interactive: bool = False


class _Hooks(_Strict):
    posix: _Hook
    windows: _Hook


class _Service(_Strict):
    project: Literal["."]
    language: Literal["python"]
    host: Literal["function"]
    dist: Literal["out/dailies"]
    remote_build: Literal[False] = Field(alias="remoteBuild")


class _Step(_Strict):
    azd: Literal["provision", "deploy app --from-package out/dailies.zip"]


class _Workflow(_Strict):
    steps: Annotated[list[_Step], Field(min_length=2, max_length=2)]


class _InfraFolder(_Strict):
    provider: Literal["bicep"]
    path: Literal["infra"]
    module: Literal["main"]


class _Versions(_Strict):
    azd: str = Field(pattern=r"^>= \d+\.\d+\.\d+$")


class AzureYaml(_Strict):
    """What azd reads."""

    name: str
    required_versions: _Versions = Field(alias="requiredVersions")
    infra: _InfraFolder
    services: dict[str, _Service]
    workflows: dict[Literal["up"], _Workflow]
    hooks: dict[Literal["preprovision", "predeploy", "postdeploy"], _Hooks]


class _Hsts(_Strict):
    is_enabled: Literal[True] = Field(alias="isEnabled")
    max_age: str = Field(alias="maxAge", pattern=r"^\d+$")


class _Http(_Strict):
    route_prefix: Literal[""] = Field(alias="routePrefix")
    hsts: _Hsts


class _Storage(_Strict):
    partition_count: int = Field(alias="partitionCount", ge=1, le=16)
    polling: TimeSpan = Field(alias="maxQueuePollingInterval")
    control_seen_again: Visibility = Field(alias="controlQueueVisibilityTimeout")
    work_seen_again: Visibility = Field(alias="workItemQueueVisibilityTimeout")


class _Scheduler(_Strict):
    type: Literal["azureManaged"]
    connection: str = Field(alias="connectionStringName")


class _Tracing(_Strict):
    enabled: bool = Field(alias="distributedTracingEnabled")
    version: Literal["V2"]
    # Inputs and outputs hold prompts, which stay out of logs.
    inputs: Literal[False] = Field(alias="traceInputsAndOutputs")
    replays: Literal[False] = Field(alias="traceReplayEvents")


class _DurableTask(_Strict):
    hub: str = Field(alias="hubName", pattern=r"^[A-Za-z][A-Za-z0-9]{2,44}$")
    activities: int = Field(alias="maxConcurrentActivityFunctions", ge=1)
    orchestrators: int = Field(alias="maxConcurrentOrchestratorFunctions", ge=1)
    sessions: Literal[False] = Field(alias="extendedSessionsEnabled")
    graceful: Literal[True] = Field(alias="useGracefulShutdown")
    storage: _Storage | _Scheduler = Field(alias="storageProvider")
    tracing: _Tracing


class _Blobs(_Strict):
    parallelism: int = Field(alias="maxDegreeOfParallelism", ge=1)
    poison: int = Field(alias="poisonBlobThreshold", ge=1)


class _Extensions(_Strict):
    http: _Http
    durable: _DurableTask = Field(alias="durableTask")
    blobs: _Blobs


class _Sampling(_Strict):
    # The alerts count log lines and requests, so none of these may be sampled away; it is on unless
    # it is turned off.
    enabled: Literal[False] = Field(alias="isEnabled")


class _Insights(_Strict):
    sampling: _Sampling = Field(alias="samplingSettings")


class _Logging(_Strict):
    levels: dict[str, Level] = Field(alias="logLevel")
    insights: _Insights = Field(alias="applicationInsights")


class _Bundle(_Strict):
    id: Literal["Microsoft.Azure.Functions.ExtensionBundle"]
    version: Literal["[4.*, 5.0.0)"]


class HostJson(_Strict):
    """What the Functions host reads."""

    version: Literal["2.0"]
    timeout: TimeSpan = Field(alias="functionTimeout")
    extensions: _Extensions
    logging: _Logging
    bundle: _Bundle = Field(alias="extensionBundle")


@pytest.mark.parametrize("name", ["host.json", "infra/host.scheduler.json"])
def test_the_host_file_has_its_form(name: str) -> None:
    HostJson.model_validate_json((ROOT / name).read_text())


@pytest.mark.parametrize("name", ["host.json", "infra/host.scheduler.json"])
def test_a_request_ends_by_itself_before_the_host_ends_the_worker_for_it(name: str) -> None:
    timeout = HostJson.model_validate_json((ROOT / name).read_text()).timeout
    hours, minutes, seconds = (int(part) for part in timeout.split(":"))
    limit = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    storage = {"VideoStorage": "AccountName=x"}
    default = timedelta(seconds=Settings.load(storage).request_seconds)
    assert default <= limit - timedelta(minutes=10)  # for what is still on its way
    too_long = limit - timedelta(minutes=5, seconds=-1)
    with pytest.raises(SettingsError, match="DAILIES_REQUEST_SECONDS"):
        Settings.load({**storage, "DAILIES_REQUEST_SECONDS": str(too_long.total_seconds())})


def test_a_misspelt_host_setting_is_seen() -> None:
    text = (ROOT / "host.json").read_text()
    with pytest.raises(ValidationError, match="maxConcurrentActivities"):
        HostJson.model_validate_json(text.replace("ActivityFunctions", "Activities"))


def test_azd_finds_its_service_and_its_hooks() -> None:
    document = AzureYaml.model_validate(yaml.safe_load((ROOT / "azure.yaml").read_text()))
    (service,) = document.services
    provision, deploy = document.workflows["up"].steps
    assert provision.azd == "provision"
    assert deploy.azd.startswith(f"deploy {service} ")
    assert f"serviceName: '{service}'" in (ROOT / "infra" / "main.bicep").read_text()
    for hooks in document.hooks.values():
        for hook in (hooks.posix, hooks.windows):
            assert (ROOT / hook.run).is_file(), hook.run
        assert os.access(ROOT / hooks.posix.run, os.X_OK), hooks.posix.run


def test_every_event_of_the_log_is_explained() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    table = page.partition("## Log lines")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+) \|", table, re.M))))
    assert told == set(read_code().log_fields)


def test_every_provider_is_named() -> None:
    page = read_infra().texts["docs/operations.md"]
    table = page.partition("| `provider` | speaks |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", table, re.M)) == known_providers()
    assert all(name in (ROOT / "models.yaml").read_text() for name in known_providers())


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: str(path.name))
def test_workflows_are_pinned_and_have_few_rights(path: Any) -> None:
    text = path.read_text()
    document = yaml.safe_load(text)
    assert document["permissions"] == {"contents": "read"}
    for action in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
    for name, job in document["jobs"].items():
        assert job["timeout-minutes"] <= 60, name


def test_the_workflow_has_the_compiler_of_the_snapshots() -> None:
    """Named by ``BICEP``, so that the tests that need it fail there where they are skipped here."""
    document = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert document["env"]["AZURE_BICEP_USE_BINARY_FROM_PATH"] == "false"
    steps = document["jobs"]["test"]["steps"]
    assert {"run": f"az bicep install --version v{VERSION}"} in steps
    (tests,) = (step for step in steps if step.get("run") == "make test")
    assert tests["env"]["BICEP"].endswith("/.azure/bin/bicep")
