"""Rules about what is seen: failures are logged, undelivered events kept, alerts explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.infra.predicted import Deployment, Resource, strings

__all__ = ["watching_problems"]

# The log categories that must go to the workspace, by the type and the account.
_LOGGED: Mapping[tuple[str, str], frozenset[str]] = {
    ("Microsoft.EventGrid/topics", ""): frozenset({"DeliveryFailures", "PublishFailures"}),
    ("Microsoft.EventGrid/systemTopics", ""): frozenset({"DeliveryFailures"}),
    ("Microsoft.KeyVault/vaults", ""): frozenset({"AuditEvent"}),
}
_SETTINGS = "Microsoft.Insights/diagnosticSettings"
_ALERTS = ("Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts")
_TAG = "azd-env-name"


def watching_problems(
    deployments: Mapping[str, Deployment], queries: frozenset[str], guide: str
) -> list[str]:
    """Everything that could happen unseen, in words.

    Args:
        deployments: the predicted ones, by name.
        queries: names of the files in ``infra/queries``.
        guide: the text of ``docs/operations.md``.
    """
    problems: list[str] = []
    for name, deployment in deployments.items():
        found = [
            *_unlogged(deployment),
            *_lost_events(deployment),
            *_alert_problems(deployment, queries, guide),
            *_untagged(deployment),
        ]
        problems += [f"{name}: {problem}" for problem in found]
    return problems


def _unlogged(deployment: Deployment) -> Iterator[str]:
    logged: dict[str, set[str]] = {}
    for setting in deployment.of_type(_SETTINGS):
        if setting.at("properties.workspaceId"):
            on = {log["category"] for log in setting.at("properties.logs") if log["enabled"]}
            logged.setdefault(setting.scope, set()).update(on)
    for resource in deployment:
        for (kind, account), categories in _LOGGED.items():
            missing = categories - logged.get(resource.id, set())
            if resource.type == kind and account in resource.id and missing:
                yield f"{resource.id} does not log {sorted(missing)}"


def _lost_events(deployment: Deployment) -> Iterator[str]:
    for resource in deployment:
        if not resource.type.endswith("/eventSubscriptions"):
            continue
        kept = resource.at("properties.deadLetterWithResourceIdentity.deadLetterDestination")
        if kept is None or not kept["properties"]["blobContainerName"]:
            yield f"{resource.id} keeps no event that could not be delivered"
        if resource.at("properties.retryPolicy.eventTimeToLiveInMinutes") != 1440:
            yield f"{resource.id} does not try for a day"


def _alert_problems(deployment: Deployment, queries: frozenset[str], guide: str) -> Iterator[str]:
    alerts = [resource for kind in _ALERTS for resource in deployment.of_type(kind)]
    for alert in alerts:
        name = alert.id.rpartition("/")[2]
        if f"### `{name}`" not in guide:
            yield f"docs/operations.md does not say what to do about the alert {name}"
        if not alert.at("properties.enabled") or not _told(alert):
            yield f"{alert.id} tells nobody"
    for resource in deployment:
        for text in strings(resource.body):
            if text.startswith("<queries/") and text[9:-1] not in queries:
                yield f"{resource.id} uses {text}, which is no file"


def _told(alert: Resource) -> bool:
    return any("actionGroups/dailies" in text for text in strings(alert.at("properties.actions")))


def _untagged(deployment: Deployment) -> Iterator[str]:
    """azd finds what it made by the tag; what has no location has no tags either."""
    wanted = deployment.environment.get("AZURE_ENV_NAME")
    for resource in deployment:
        if "location" in resource.body and (resource.at("tags") or {}).get(_TAG) != wanted:
            yield f"{resource.id} lacks the tag {_TAG}"
