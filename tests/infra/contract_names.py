"""Rules about names that both sides know: settings, containers, tables, functions, log fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.infra.bicep import BicepFile, Choice, Value
from tests.infra.project import Code, Infra

__all__ = ["HOST_SETTINGS", "LEFT_TO_DEFAULTS", "NEVER_IN_AZURE", "name_problems"]

HOST_SETTINGS = frozenset(
    {
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__credential",
        "AzureWebJobsStorage__clientId",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "PYTHON_ENABLE_INIT_INDEXING",
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
        # of the blob trigger's connection; the app's own clients need neither
        "VideoStorage__queueServiceUri",
        "VideoStorage__credential",
        "VideoStorage__clientId",
    }
)
"""Settings that the Functions host reads, some of them beside the app."""

NEVER_IN_AZURE = frozenset({"VideoStorage", "DAILIES_EVENT_TOPIC_KEY"})
"""Settings that hold a key of Azure's: shared keys and local authentication are off there."""

LEFT_TO_DEFAULTS = frozenset(
    {
        # a file of the package
        "DAILIES_CATALOGUE",
        # right for most; changed through DAILIES_EXTRA_SETTINGS
        "DAILIES_CONTENT_LINK_SECONDS",
        "DAILIES_REQUEST_SECONDS",
        "DAILIES_MAX_REFERENCE_BYTES",
        "DAILIES_MAX_REFERENCE_PIXELS",
        "DAILIES_MAX_REFERENCE_VIDEO_BYTES",
        "DAILIES_MAX_UNFINISHED",
        "DAILIES_SIDECAR_WAIT_SECONDS",
        "DAILIES_VIDEO_DEADLINE_SECONDS",
        "DAILIES_QUOTA_WINDOW_SECONDS",
        "DAILIES_ENFORCE_QUOTA",
        "DAILIES_SWEEP_GRACE_SECONDS",
        "DAILIES_SUBMIT_TIMEOUT_SECONDS",
        "DAILIES_SUBMIT_DEADLINE_SECONDS",
        "DAILIES_RECONCILE_PAUSE_SECONDS",
        "DAILIES_THROTTLE_WAIT_SECONDS",
        "DAILIES_RETRY_SECONDS",
        # where telemetry goes besides Application Insights
        "DAILIES_TELEMETRY",
        "DAILIES_TRACE_RATIO",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        # new deployments of Sora 1 are no longer made; who has one names it in extra settings
        "AZURE_OPENAI_SORA_DEPLOYMENT",
        # of the local stack, which runs faster than time
        "DAILIES_POLL_MIN_SECONDS",
        "DAILIES_POLL_MAX_SECONDS",
        "DAILIES_TYPICAL_RENDER_SCALE",
    }
)
"""Settings of the app that the template leaves alone."""

_APP = "infra/modules/app.bicep"
_MAIN = "infra/main.bicep"
_LINE_FIELD = re.compile(r"\bline\.(\w+)")
_EVENT = re.compile(r'tostring\(line\.event\) == "(\w+)"')


def name_problems(infra: Infra, code: Code) -> list[str]:
    """Every name that the infrastructure and the code do not share, in words."""
    return [
        *_setting_problems(infra, code),
        *_store_problems(infra, code),
        *_event_problems(infra, code),
        *_query_problems(infra, code),
        *_host_problems(infra),
    ]


def settings_of(file: BicepFile) -> dict[str, Value]:
    """The app settings of app.bicep, with those that only some deployments have."""
    found: dict[str, Value] = {}
    for name, value in file.variables.items():
        if name.endswith("Settings"):
            found.update(_merged(value))
    return found


def _merged(value: Value) -> dict[str, Value]:
    if isinstance(value, Choice):
        return _merged(value.then) | _merged(value.otherwise)
    return value if isinstance(value, dict) else {}


def _setting_problems(infra: Infra, code: Code) -> Iterator[str]:
    given = set(settings_of(infra.bicep[_APP]))
    known = code.settings | code.catalogue_settings
    for name in sorted(given - known - HOST_SETTINGS):
        yield f"{_APP}: sets {name}, which neither the settings, models.yaml nor the host reads"
    for name in sorted(known - given - NEVER_IN_AZURE - LEFT_TO_DEFAULTS):
        yield (
            f"{_APP}: does not set {name}; set it, or list it in LEFT_TO_DEFAULTS with the reason"
        )
    for name in sorted(code.binding_settings - given):
        yield f"{_APP}: does not set {name}, which a binding names; no function would start"
    for name in sorted(given & NEVER_IN_AZURE):
        yield f"{_APP}: sets {name}, which holds a key"
    for name in sorted((LEFT_TO_DEFAULTS | NEVER_IN_AZURE) - known):
        yield f"contract: {name} is no setting any more"
    for name in sorted(HOST_SETTINGS - given):
        yield f"{_APP}: does not set {name}, which the host needs"


def _store_problems(infra: Infra, code: Code) -> Iterator[str]:
    main = infra.bicep[_MAIN].variables
    app_settings = settings_of(infra.bicep[_APP])
    made = _module_names(infra, "videoStorage", "containers")
    for setting, container in code.containers.items():
        variable = getattr(app_settings.get(setting), "text", None)
        if main.get(str(variable)) != container:
            yield f"{_MAIN}: {variable} is {main.get(str(variable))!r}, the code says {container!r}"
        if container not in made:
            yield f"{_MAIN}: the video storage has no container {container!r}"
    tables = _module_names(infra, "videoStorage", "tables")
    if set(tables) != set(code.tables):
        yield f"{_MAIN}: the tables are {tables}, the code says {sorted(code.tables)}"


def _module_names(infra: Infra, symbol: str, param: str) -> list[str]:
    """The names in a list that a module of main.bicep is given, through its variables."""
    main = infra.bicep[_MAIN]
    module = next(m for m in main.modules if m.symbol == symbol)
    params = module.body["params"]
    value = _resolved(main, params[param] if isinstance(params, dict) else None)
    return [str(_resolved(main, item)) for item in value] if isinstance(value, list) else []


def _resolved(file: BicepFile, value: Value) -> Value:
    return file.variables.get(str(getattr(value, "text", "")), value)


def _event_problems(infra: Infra, code: Code) -> Iterator[str]:
    name = "infra/modules/events.bicep"
    types = set(re.findall(r"'(dailies\.[\w.]+)'", infra.texts[name]))
    for unknown in sorted(types - code.event_types):
        yield f"{name}: no event has the type {unknown}"
    second = "infra/blob-events.bicep"
    trigger = infra.bicep[second].variables.get("triggerFunctionName")
    if trigger != code.drop_trigger:
        yield f"{second}: the trigger is {trigger!r}, the function {code.drop_trigger!r}"
    if "containers/${referencesContainer}/blobs/'" not in infra.texts[second]:
        yield f"{second}: the subject must end with the container and /blobs/"


def _query_problems(infra: Infra, code: Code) -> Iterator[str]:
    everything: frozenset[str] = frozenset({"event"}).union(*code.log_fields.values())
    for name, text in infra.texts.items():
        if not name.endswith(".kql"):
            continue
        events = _EVENT.findall(text)
        for event in events:
            if event not in code.log_fields:
                yield f"{name}: the app logs no event {event!r}"
        allowed = frozenset({"event"}).union(*(code.log_fields.get(e, ()) for e in events))
        for field in sorted(set(_LINE_FIELD.findall(text)) - (allowed if events else everything)):
            yield f"{name}: no log line of {events} has a field {field!r}"
        used = [n for n, t in infra.texts.items() if name.rsplit("/", 1)[-1] in t and n != name]
        if not used:
            yield f"{name}: is used by no alert, no workbook and no guide"


def _host_problems(infra: Infra) -> Iterator[str]:
    host, scheduler = (
        json.loads(infra.texts[name]) for name in ("host.json", "infra/host.scheduler.json")
    )
    task_hub = infra.bicep[_MAIN].variables.get("taskHubName")
    for name, document in (("host.json", host), ("infra/host.scheduler.json", scheduler)):
        hub = _durable(document).get("hubName")
        if hub != task_hub:
            yield f"{name}: the task hub is {hub!r}, {_MAIN} says {task_hub!r}"
    setting = _durable(scheduler)["storageProvider"]["connectionStringName"]
    if setting not in settings_of(infra.bicep[_APP]):
        yield f"infra/host.scheduler.json: {setting} is not set by {_APP}"
    for document in (host, scheduler):
        _durable(document).pop("storageProvider", None)
    if host != scheduler:
        yield "infra/host.scheduler.json: differs from host.json in more than its storage provider"


def _durable(document: Mapping[str, Any]) -> dict[str, Any]:
    durable: dict[str, Any] = document["extensions"]["durableTask"]
    return durable
