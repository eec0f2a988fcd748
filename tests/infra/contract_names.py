"""Rules about names that both sides know: settings, containers, tables, functions, log fields.

The infrastructure's side is what is predicted of each parameter set, so a name counts where it
arrives, whichever way it took through the templates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dailies.catalogue import Catalogue
from dailies.settings import Settings
from dailies.video.errors import SettingsError
from tests.infra.compiler import SUBSCRIPTION
from tests.infra.predicted import Deployment, Resource
from tests.infra.project import Code, Infra

__all__ = ["HOST_SETTINGS", "LEFT_TO_DEFAULTS", "NEVER_IN_AZURE", "name_problems", "settings_of"]

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

_SHORT_ID = re.compile(r"Microsoft\.\w+/\w+/[^/]+$")
"""The id of a resource of the deployment's own group, as it is predicted."""

_OF_SERVERS = ("ENDPOINT", "MODEL")
_OF_KEYS = ("CREDENTIAL", "API_KEY")

LEFT_TO_DEFAULTS = frozenset(
    {
        "DAILIES_PROVIDERS",  # comes with a package and a catalogue of one's own
        "DAILIES_PRIVATE_HOSTS",  # comes with servers of one's own
        "DAILIES_WEBHOOK_HOSTS",  # the same
        # a file of the package
        "DAILIES_CATALOGUE",
        # of providers outside Azure, where one is wanted: through DAILIES_EXTRA_SETTINGS
        "REPLICATE_API_KEY",
        "REPLICATE_ENDPOINT",
        # right for most; changed through DAILIES_EXTRA_SETTINGS
        "DAILIES_CONTENT_LINK_SECONDS",
        "DAILIES_REQUEST_SECONDS",
        "DAILIES_MAX_REFERENCE_BYTES",
        "DAILIES_MAX_REFERENCE_PIXELS",
        "DAILIES_MAX_REFERENCE_VIDEO_BYTES",
        "DAILIES_MAX_STREAMS",
        "DAILIES_MAX_UNFINISHED",
        "DAILIES_DEFAULT_MODEL",
        "DAILIES_SIDECAR_WAIT_SECONDS",
        "DAILIES_VIDEO_DEADLINE_SECONDS",
        "DAILIES_QUOTA_WINDOW_SECONDS",
        "DAILIES_ENFORCE_QUOTA",
        "DAILIES_SWEEP_GRACE_SECONDS",
        "DAILIES_SUBMIT_TIMEOUT_SECONDS",
        "DAILIES_SUBMIT_DEADLINE_SECONDS",
        "DAILIES_RECONCILE_PAUSE_SECONDS",
        "DAILIES_UNRESOLVED_HOLD_SECONDS",
        "DAILIES_CALLBACK_WAIT_SECONDS",
        # the platform tells the app whether it checks tokens; another role is for who has one
        "WEBSITE_AUTH_ENABLED",
        "DAILIES_ADMIN_ROLE",
        # the platform tells the app its name; another one is for who has a domain of their own
        "DAILIES_PUBLIC_URL",
        "WEBSITE_HOSTNAME",
        "DAILIES_THROTTLE_WAIT_SECONDS",
        "DAILIES_RETRY_SECONDS",
        "DAILIES_AZURE_MANAGEMENT",  # of other clouds than the public one
        "DAILIES_BREAKER_FAULTS",
        "DAILIES_BREAKER_WINDOW_SECONDS",
        "DAILIES_BREAKER_PAUSE_SECONDS",
        # a guard of one's own, and what is right for most; changed through DAILIES_EXTRA_SETTINGS
        "DAILIES_CONTENT_SAFETY_SEVERITIES",
        "DAILIES_CONTENT_SAFETY_BLOCKLISTS",
        "DAILIES_GUARD_WEBHOOK_URL",
        "DAILIES_GUARD_WEBHOOK_SECRET",
        "DAILIES_GUARD_SECONDS",
        "DAILIES_GUARD_FAILURE",
        # where telemetry goes besides Application Insights
        "DAILIES_TELEMETRY",
        "DAILIES_TRACE_RATIO",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        *(f"OTEL_EXPORTER_OTLP_{signal}PROTOCOL" for signal in ("", "TRACES_", "METRICS_")),
        "DAILIES_TELEMETRY_PROMPTS",
        "DAILIES_HELICONE_API_KEY",
        "DAILIES_HELICONE_ENDPOINT",
        "DAILIES_LOG_WEBHOOK_URL",
        "DAILIES_LOG_WEBHOOK_SECRET",
        # new deployments of Sora 1 are no longer made; who has one names it in extra settings
        "AZURE_OPENAI_SORA_DEPLOYMENT",
        # of servers of one's own; who has one names it in extra settings
        *(f"VLLM_OMNI_{model}_{name}" for model in ("WAN", "H3", "LTX") for name in _OF_SERVERS),
        *(f"{server}_{name}" for server in ("VLLM_OMNI", "SGLANG") for name in _OF_KEYS),
        *(f"SGLANG_{name}" for name in _OF_SERVERS),
        *(f"OTHER_DAILIES_{name}" for name in ("ENDPOINT", "MODEL", "API_KEY")),
        *(f"OPENAI_COMPATIBLE_{name}" for name in (*_OF_SERVERS, *_OF_KEYS)),
        # of providers beside Azure's; who has a key names it in extra settings
        "ARK_API_KEY",
        "ARK_ENDPOINT",
        "ARK_SEEDANCE_2_0",
        "ARK_SEEDANCE_2_5",
        "KLING_API_KEY",
        "KLING_ENDPOINT",
        "RUNWAY_API_KEY",
        "RUNWAY_ENDPOINT",
        "FAL_API_KEY",
        "FAL_ENDPOINT",
        "FAL_WEBHOOK_KEYS",
        "LUMA_API_KEY",
        "LUMA_ENDPOINT",
        "LUMA_DREAM_MACHINE_API_KEY",
        "LUMA_DREAM_MACHINE_ENDPOINT",
        "XAI_API_KEY",
        "XAI_ENDPOINT",
        # of Google's models; who uses them names them in extra settings
        "GEMINI_API_KEY",
        "GEMINI_ENDPOINT",
        "GOOGLE_CLOUD_LOCATION",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_CLOUD_VIDEOS",
        "GOOGLE_IAM_ENDPOINT",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_STORAGE_ENDPOINT",
        "GOOGLE_STS_ENDPOINT",
        "GOOGLE_SUBJECT_SCOPE",
        "GOOGLE_WORKLOAD_IDENTITY_PROVIDER",
        "VEO_ENDPOINT",
        "VEO_LOCATION",
        "VERTEX_ENDPOINT",
        # of the local stack, which runs faster than time
        "DAILIES_POLL_MIN_SECONDS",
        "DAILIES_POLL_MAX_SECONDS",
        "DAILIES_TYPICAL_RENDER_SCALE",
    }
)
"""Settings of the app that the template leaves alone."""

_SETTINGS = "Microsoft.Web/sites/config"
_SUBSCRIPTIONS = "eventSubscriptions"
_TASK_HUB = "Microsoft.DurableTask/schedulers/taskHubs"
_VIDEO_STORAGE = "storageAccounts/stvideo"
_LINE_FIELD = re.compile(r"\bline\.(\w+)")
_EVENTS = re.compile(r'tostring\(line\.event\) (==|!?in) (?:"(\w+)"|\(([^)]*)\))')
"""How a query names events: one, some, or all but some."""
# When a blob is whole, by the operation that wrote it; other events tell of a blob that grows.
_WRITES = frozenset({"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"})


def name_problems(infra: Infra, deployments: Mapping[str, Deployment], code: Code) -> list[str]:
    """Every name that the infrastructure and the code do not share, in words.

    Args:
        infra: the files, for what no template says.
        deployments: the predicted ones by name; those with an app have its settings.
        code: the app's side.
    """
    settings = {name: settings_of(d) for name, d in deployments.items() if d.of_type(_SETTINGS)}
    problems = [*_setting_problems(settings, code), *_host_problems(infra, deployments, settings)]
    for name, deployment in deployments.items():
        found = [*_event_problems(deployment, code)]
        if name in settings:
            found += _value_problems(deployment, settings[name], code)
            found += _store_problems(deployment, settings[name], code)
        problems += [f"{name}: {problem}" for problem in found]
    return [*problems, *_query_problems(infra, code)]


def settings_of(deployment: Deployment) -> dict[str, Any]:
    """The settings of the app."""
    (resource,) = (r for r in deployment.of_type(_SETTINGS) if r.id.endswith("/appsettings"))
    return dict(resource.at("properties"))


def _setting_problems(settings: Mapping[str, Mapping[str, Any]], code: Code) -> Iterator[str]:
    given = frozenset(name for values in settings.values() for name in values)
    known = code.settings | code.catalogue_settings
    # An operator's own settings may be any that the app reads.
    for name in sorted(given - known - HOST_SETTINGS):
        yield f"the app is given {name}, which neither the settings, models.yaml nor the host reads"
    for name in sorted(known - given - NEVER_IN_AZURE - LEFT_TO_DEFAULTS):
        yield f"no app is given {name}; set it, or list it in LEFT_TO_DEFAULTS with the reason"
    for name in sorted(given & NEVER_IN_AZURE):
        yield f"the app is given {name}, which holds a key"
    for name in sorted((LEFT_TO_DEFAULTS | NEVER_IN_AZURE) - known):
        yield f"contract: {name} is no setting any more"
    for name in sorted(HOST_SETTINGS - given):
        yield f"no app is given {name}, which the host needs"
    for where, values in settings.items():
        for name in sorted(code.binding_settings - values.keys()):
            yield f"{where}: the app lacks {name}, which a binding names; no function would start"


def _value_problems(
    deployment: Deployment, settings: Mapping[str, Any], code: Code
) -> Iterator[str]:
    """The app would start with these values: they pass the checks that it makes itself."""
    environ = {name: _as_deployed(deployment, value) for name, value in settings.items()}
    try:
        loaded = Settings.load(environ)
        # A deployment that names no provider yet is told so by the app, until it does.
        if any(environ.get(name) for name in code.catalogue_settings if "ENDPOINT" in name):
            Catalogue.load(loaded.catalogue_path, environ)
    except SettingsError as error:
        yield f"the app would refuse its settings: {error}"


def _as_deployed(deployment: Deployment, value: Any) -> str:
    """A value of the kind that Azure puts in the place of an expression."""
    text = value if isinstance(value, str) else json.dumps(value)
    if _SHORT_ID.match(text):
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/{text}"
    if not text.startswith("["):
        return text
    secrets = {"apiKeys": "DAILIES_API_KEYS", "adminKeys": "DAILIES_ADMIN_KEYS"}
    for parameter, name in secrets.items():
        if text == f"[parameters('{parameter}')]":
            return deployment.environment[name]
    return "https://known-when-deployed.example.com"


def _store_problems(
    deployment: Deployment, settings: Mapping[str, Any], code: Code
) -> Iterator[str]:
    made = _made(deployment, "blobServices/containers")
    for setting, container in code.containers.items():
        if settings.get(setting) != container:
            yield f"{setting} is {settings.get(setting)!r}, the code says {container!r}"
        if container not in made:
            yield f"the video storage has no container {container!r}"
    tables = _made(deployment, "tableServices/tables")
    if tables != set(code.tables):
        yield f"the tables are {sorted(tables)}, the code says {sorted(code.tables)}"


def _made(deployment: Deployment, kind: str) -> set[str]:
    """The names of what the video storage has of this kind."""
    resources = deployment.of_type(f"Microsoft.Storage/storageAccounts/{kind}")
    return {r.id.rpartition("/")[2] for r in resources if _VIDEO_STORAGE in r.id}


def _event_problems(deployment: Deployment, code: Code) -> Iterator[str]:
    for subscription in deployment:
        if not subscription.type.endswith(_SUBSCRIPTIONS):
            continue
        types = set(subscription.at("properties.filter.includedEventTypes"))
        if "systemTopics" in subscription.type:
            yield from _drop_problems(subscription, types, code)
        for unknown in sorted(types - code.event_types):
            if "systemTopics" not in subscription.type:
                yield f"{subscription.id}: no event has the type {unknown}"


def _drop_problems(subscription: Resource, types: set[str], code: Code) -> Iterator[str]:
    address = str(subscription.at("properties.destination.properties.endpointUrl"))
    if "/runtime/webhooks/EventGrid?functionName=" not in address:
        yield f"{subscription.id}: the address is that of another webhook: {address}"
    if f"'{code.drop_trigger}'" not in address:
        yield f"{subscription.id}: the address does not name {code.drop_trigger!r}: {address}"
    (container,) = (c for s, c in code.containers.items() if "REFERENCES" in s)
    subject = subscription.at("properties.filter.subjectBeginsWith")
    # With its trailing part, or a container whose name goes on would count too.
    if subject != f"/blobServices/default/containers/{container}/blobs/":
        yield f"{subscription.id}: takes {subject}, not the container {container!r} alone"
    # The trigger of the Functions host takes no CloudEvents.
    if subscription.at("properties.eventDeliverySchema") != "EventGridSchema":
        yield f"{subscription.id}: the host does not take the schema of the events"
    (condition,) = subscription.at("properties.filter.advancedFilters")
    if types != {"Microsoft.Storage.BlobCreated"} or set(condition["values"]) != _WRITES:
        yield f"{subscription.id}: takes {sorted(types)} of {condition['values']}"


def _query_problems(infra: Infra, code: Code) -> Iterator[str]:
    everything: frozenset[str] = frozenset({"event"}).union(*code.log_fields.values())
    for name, text in infra.texts.items():
        if not name.endswith(".kql"):
            continue
        named = _EVENTS.findall(text)
        events = [e for _, one, some in named for e in (one, *re.findall(r'"(\w+)"', some)) if e]
        for event in events:
            if event not in code.log_fields:
                yield f"{name}: the app logs no event {event!r}"
        if any(how == "!in" for how, _, _ in named):
            events = []
        allowed = frozenset({"event"}).union(*(code.log_fields.get(e, ()) for e in events))
        for field in sorted(set(_LINE_FIELD.findall(text)) - (allowed if events else everything)):
            yield f"{name}: no log line of {events} has a field {field!r}"
        used = [n for n, t in infra.texts.items() if name.rsplit("/", 1)[-1] in t and n != name]
        if not used:
            yield f"{name}: is used by no alert, no workbook and no guide"


def _host_problems(
    infra: Infra, deployments: Mapping[str, Deployment], settings: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    host, scheduler = (
        json.loads(infra.texts[name]) for name in ("host.json", "infra/host.scheduler.json")
    )
    hubs = {hub.id.rpartition("/")[2] for d in deployments.values() for hub in d.of_type(_TASK_HUB)}
    for name, document in (("host.json", host), ("infra/host.scheduler.json", scheduler)):
        if {_durable(document).get("hubName")} != hubs:
            hub = _durable(document).get("hubName")
            yield f"{name}: the task hub is {hub!r}, the scheduler has {sorted(hubs)}"
    setting = _durable(scheduler)["storageProvider"]["connectionStringName"]
    for name, values in settings.items():
        if (setting in values) != bool(deployments[name].of_type(_TASK_HUB)):
            yield f"{name}: {setting} of infra/host.scheduler.json does not fit the backend"
    for document in (host, scheduler):
        _durable(document).pop("storageProvider", None)
    if host != scheduler:
        yield "infra/host.scheduler.json: differs from host.json in more than its storage provider"


def _durable(document: Mapping[str, Any]) -> dict[str, Any]:
    durable: dict[str, Any] = document["extensions"]["durableTask"]
    return durable
