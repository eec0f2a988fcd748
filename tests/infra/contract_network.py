"""Rules about reach: with a virtual network what holds data is closed, and is told apart by all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.infra.contract_names import settings_of
from tests.infra.predicted import Deployment, Resource

__all__ = ["network_problems"]

_STORAGE = "Microsoft.Storage/storageAccounts"
_CLOSABLE = (_STORAGE, "Microsoft.KeyVault/vaults", "Microsoft.CognitiveServices/accounts")
# What the app reaches inside the network, by what the id contains. Nothing of the app reaches the
# event storage, whose one guest, Event Grid, is a trusted service.
_REACHED: Mapping[str, tuple[str, ...]] = {
    "storageAccounts/sthost": ("blob", "queue", "table"),
    "storageAccounts/stvideo": ("blob", "queue", "table"),
    "Microsoft.KeyVault/vaults/": ("vault",),
    "Microsoft.CognitiveServices/accounts/": ("account",),
}
_ENDPOINT = "Microsoft.Network/privateEndpoints"
_ZONE = "Microsoft.Network/privateDnsZones"


def network_problems(deployments: Mapping[str, Deployment]) -> list[str]:
    """Everything that can be reached and should not, or should be and can't, in words."""
    problems: list[str] = []
    for name, deployment in deployments.items():
        closed = bool(deployment.of_type("Microsoft.Network/virtualNetworks"))
        found = _closed(deployment) if closed else _open(deployment)
        problems += [f"{name}: {problem}" for problem in found]
    if not any(d.of_type("Microsoft.Network/virtualNetworks") for d in deployments.values()):
        problems.append("no parameter set has a virtual network")
    return problems


def _open(deployment: Deployment) -> Iterator[str]:
    for site in deployment.of_type("Microsoft.Web/sites"):
        if site.at("properties.virtualNetworkSubnetId"):
            yield f"{site.id} is in a network that is not made"
    for resource in deployment:
        if resource.type.startswith("Microsoft.Network/"):
            yield f"{resource.id} is made without a network"


def _closed(deployment: Deployment) -> Iterator[str]:
    for resource in deployment:
        if resource.type in _CLOSABLE:
            yield from _door(resource)
            yield from _way_in(deployment, resource)
    for site in deployment.of_type("Microsoft.Web/sites"):
        if not str(site.at("properties.virtualNetworkSubnetId")).endswith("/subnets/app"):
            yield f"{site.id} is not in the network, so it reaches nothing"
    for endpoint in deployment.of_type(_ENDPOINT):
        yield from _name(deployment, endpoint)
    settings = settings_of(deployment)
    chosen = deployment.environment.get("DAILIES_CONTENT_DELIVERY")
    if not chosen and settings["DAILIES_CONTENT_DELIVERY"] != "stream":
        yield "content is handed out as links, which lead nowhere"


def _door(resource: Resource) -> Iterator[str]:
    rules = resource.at("properties.networkAcls") or {}
    if rules.get("defaultAction") != "Deny":
        yield f"{resource.id} is open to everyone"
    public = resource.at("properties.publicNetworkAccess")
    # The public endpoint stays only for those who are named: addresses, or a trusted service that
    # brings the events. A vault lets trusted services in beside it.
    trusted = resource.type == _STORAGE and rules.get("bypass") == "AzureServices"
    guests = bool(rules.get("ipRules")) or trusted
    if public != ("Enabled" if guests else "Disabled"):
        yield f"{resource.id} has its public endpoint {public}"


def _way_in(deployment: Deployment, resource: Resource) -> Iterator[str]:
    needed = next((groups for part, groups in _REACHED.items() if part in resource.id), ())
    made: set[str] = set()
    for endpoint in deployment.of_type(_ENDPOINT):
        for connection in endpoint.at("properties.privateLinkServiceConnections"):
            if connection["properties"]["privateLinkServiceId"] == resource.id:
                made.update(connection["properties"]["groupIds"])
    if made != set(needed):
        yield f"{resource.id} has private endpoints for {sorted(made)}, not {sorted(needed)}"


def _name(deployment: Deployment, endpoint: Resource) -> Iterator[str]:
    group = deployment.resources.get(f"{endpoint.id}/privateDnsZoneGroups/default")
    configurations = group["properties"]["privateDnsZoneConfigs"] if group else []
    linked = {
        link.id.partition("/virtualNetworkLinks/")[0]
        for link in deployment.of_type(f"{_ZONE}/virtualNetworkLinks")
    }
    zones = [item["properties"]["privateDnsZoneId"] for item in configurations]
    if not zones or any(zone not in linked or zone not in deployment.resources for zone in zones):
        yield f"{endpoint.id} has no name that the network resolves: {zones}"
