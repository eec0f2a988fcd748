"""Rules about who may do what: local authentication off, TLS, roles and their scopes, secrets.

They hold for the predicted resources of every parameter set. Which roles there are is said in
``docs/security.md``, where each is argued for, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.infra.predicted import ROLES, Deployment, Resource, strings

__all__ = ["HARDENED", "Grant", "documented_grants", "security_problems"]

Grant = tuple[str, str, str]
"""Who, role and scope, in the words of ``docs/security.md``."""

# What each resource of a type must say, by the path of the property; None is "says nothing".
HARDENED: Mapping[str, Mapping[str, Any]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.allowCrossTenantReplication": False,
        "properties.defaultToOAuthAuthentication": True,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
    },
    "Microsoft.Storage/storageAccounts/blobServices": {"properties.cors": None},
    "Microsoft.Storage/storageAccounts/blobServices/containers": {
        "properties.publicAccess": "None"
    },
    "Microsoft.EventGrid/topics": {
        "properties.disableLocalAuth": True,
        "properties.inputSchema": "CloudEventSchemaV1_0",
        "properties.minimumTlsVersionAllowed": "1.2",
        "identity.type": "SystemAssigned",
    },
    "Microsoft.EventGrid/systemTopics": {"identity.type": "SystemAssigned"},
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.CognitiveServices/accounts": {"properties.disableLocalAuth": True},
    "Microsoft.KeyVault/vaults": {
        "properties.enableRbacAuthorization": True,
        "properties.enablePurgeProtection": True,
        "properties.enableSoftDelete": True,
        "properties.softDeleteRetentionInDays": 90,
    },
    "Microsoft.Web/sites": {
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
        "properties.siteConfig.ftpsState": "Disabled",
        "properties.siteConfig.http20Enabled": True,
        "properties.siteConfig.remoteDebuggingEnabled": False,
        "properties.siteConfig.cors": None,
        "identity.type": "UserAssigned",
        "properties.functionAppConfig.deployment.storage.authentication.type": (
            "UserAssignedIdentity"
        ),
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
    "Microsoft.Network/virtualNetworks": {"properties.dhcpOptions": None},
}

_ACCOUNTS = "Microsoft.CognitiveServices/accounts"
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_KEY_FUNCTIONS = re.compile(r"\b(?:listKeys|listAccountSas|listServiceSas|listSecrets)\(")
_KEY_READER = "Microsoft.EventGrid/systemTopics/evgs-references/eventSubscriptions/"
"""What reads a key: the address of the function's webhook, which takes nothing else."""

_SCOPES = {
    "Microsoft.Storage/storageAccounts/sthost<token>": "host storage",
    "Microsoft.Storage/storageAccounts/stvideo<token>": "video storage",
    "Microsoft.Storage/storageAccounts/stevent<token>": "event storage",
    "Microsoft.EventGrid/topics/evgt-dailies-<token>": "event topic",
    "Microsoft.Insights/components/appi-dailies-<token>": "Application Insights",
    "Microsoft.DurableTask/schedulers/dts-dailies-<token>/taskHubs/dailies": "task hub",
    "Microsoft.KeyVault/vaults/kv-<token>": "Key Vault",
}
# Which cloud's it is shows at deployment only.
_ISSUER = re.compile(
    r"\[format\('\{0\}\{1\}/v2\.0', environment\(\)\.authentication\.loginEndpoint, "
    r"'[0-9a-f-]{36}'\)\]"
)
_KINDS = {
    "Microsoft.CognitiveServices/accounts/oai-dailies-<token>": "OpenAI",
    "Microsoft.CognitiveServices/accounts/cs-dailies-<token>": "ContentSafety",
}
"""What each account is: it does that and nothing else."""
_SAFETY = re.compile(r"Microsoft\.CognitiveServices/accounts/(cs-dailies-<token>|safety)$")
_ACCOUNT = re.compile(r"(^|/providers/)Microsoft\.CognitiveServices/accounts/[^/]+$")
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| (always|[^|]+) \| [^|]+ \|$", re.MULTILINE)


def documented_grants(page: str) -> dict[Grant, bool]:
    """The grants in the table of ``docs/security.md``, and whether each is always there."""
    section = page.partition("## Identities and roles")[2].partition("\n## ")[0]
    rows = [row for row in _ROW.findall(section) if row[0] != "who"]
    return {(who, role, scope): when == "always" for who, role, scope, when in rows}


def security_problems(deployments: Mapping[str, Deployment], page: str) -> list[str]:
    """Everything that is open wider than docs/security.md says, in words."""
    problems: list[str] = []
    for name, deployment in deployments.items():
        for resource in deployment:
            found = (
                *_hardening(resource),
                *_keys(resource),
                *_clear_secrets(deployment, resource),
                *_signing_in(deployment, resource),
            )
            problems += [f"{name}: {problem}" for problem in found]
        problems += [f"{name}: {problem}" for problem in _openings(deployment)]
    problems += _unseen_types(deployments.values())
    problems += _grant_problems(deployments, documented_grants(page))
    return problems


def _hardening(resource: Resource) -> Iterator[str]:
    for path, expected in HARDENED.get(resource.type, {}).items():
        found = resource.at(path)
        if found != expected or type(found) is not type(expected):
            yield f"{resource.id} has {path} = {found}, not {expected}"
    if resource.type == _ACCOUNTS and resource.at("kind") != _KINDS.get(resource.id):
        yield f"{resource.id} is of the kind {resource.at('kind')}"


def _unseen_types(deployments: Iterable[Deployment]) -> Iterator[str]:
    seen = {resource.type for deployment in deployments for resource in deployment}
    for kind in sorted(HARDENED.keys() - seen):
        yield f"no parameter set makes a resource of type {kind}"


def _keys(resource: Resource) -> Iterator[str]:
    if resource.id.startswith(_KEY_READER):
        return
    for text in strings(resource.body):
        if _KEY_FUNCTIONS.search(text):
            yield f"{resource.id} reads an access key: {text}"


def _clear_secrets(deployment: Deployment, resource: Resource) -> Iterator[str]:
    """A value that is secret shows as the name of its parameter, for it is marked as one."""
    for name in ("DAILIES_API_KEYS", "DAILIES_ADMIN_KEYS"):
        value = deployment.environment.get(name)
        if value and any(value in text for text in strings(resource.body)):
            yield f"{resource.id} shows {name}; its parameter must be @secure()"


def _signing_in(deployment: Deployment, resource: Resource) -> Iterator[str]:
    """The platform's own authentication is there where it was asked for, for one tenant's tokens,
    and keeps no secret."""
    if not resource.id.endswith("/config/authsettingsV2"):
        return
    client = deployment.environment.get("DAILIES_ADMIN_CLIENT_ID")
    entra = "properties.identityProviders.azureActiveDirectory"
    expected = {
        "properties.platform.enabled": True,
        "properties.httpSettings.requireHttps": True,
        "properties.globalValidation.unauthenticatedClientAction": "AllowAnonymous",
        "properties.login.tokenStore.enabled": False,
        f"{entra}.registration.clientId": client,
        f"{entra}.registration.clientSecretSettingName": None,
        f"{entra}.validation.allowedAudiences": [client, f"api://{client}"],
    }
    for path, value in expected.items():
        if (found := resource.at(path)) != value:
            yield f"{resource.id} has {path} = {found}, not {value}"
    issuer = str(resource.at(f"{entra}.registration.openIdIssuer"))
    if _ISSUER.fullmatch(issuer) is None:
        yield f"{resource.id} takes tokens of {issuer}, which is not one tenant of Entra's"


def _openings(deployment: Deployment) -> Iterator[str]:
    for group in deployment.of_type("Microsoft.Network/networkSecurityGroups"):
        for rule in group.at("properties.securityRules"):
            says = rule["properties"]
            inbound = says["direction"] == "Inbound" and says["access"] == "Allow"
            if inbound and says["sourceAddressPrefix"] != "VirtualNetwork":
                yield f"{group.id}: {rule['name']} lets in {says['sourceAddressPrefix']}"


def _grant_problems(
    deployments: Mapping[str, Deployment], documented: Mapping[Grant, bool]
) -> Iterator[str]:
    granted: dict[str, set[Grant]] = {}
    for name, deployment in deployments.items():
        granted[name] = set()
        for assignment in deployment.of_type(_ASSIGNMENT):
            grant = _grant(assignment)
            granted[name].add(grant)
            if grant not in documented:
                yield f"{name}: a grant that docs/security.md does not argue for: {grant}"
            if grant[1] not in ROLES.values():
                yield f"{name}: {assignment.id} grants an unknown role"
            if assignment.at("properties.principalType") != _kind(grant, deployment):
                yield f"{name}: {assignment.id} names another kind of principal"
    # The second phase and nothing else has no role.
    whole = {name: grants for name, grants in granted.items() if grants}
    for grant, always in documented.items():
        having = [name for name, grants in whole.items() if grant in grants]
        if not having:
            yield f"docs/security.md: no parameter set grants {grant}"
        elif always and len(having) < len(whole):
            yield f"{sorted(whole.keys() - set(having))[0]}: a grant is missing: {grant}"
        elif not always and len(having) == len(whole):
            yield f"docs/security.md: {grant} is there always"


def _grant(assignment: Resource) -> Grant:
    _, _, who = assignment.id.partition("/roleAssignments/")
    return (
        who.partition("/")[0],
        str(assignment.at("properties.roleDefinitionId")),
        _scope(assignment),
    )


def _scope(assignment: Resource) -> str:
    if _SAFETY.search(assignment.scope):
        return "Content Safety account"
    if _ACCOUNT.search(assignment.scope):
        return "Azure OpenAI account"
    # Anything that is no single resource, a resource group above all, is left as it is.
    return _SCOPES.get(assignment.scope, assignment.scope)


def _kind(grant: Grant, deployment: Deployment) -> str:
    if grant[0] != "operator":
        return "ServicePrincipal"
    return deployment.environment.get("DAILIES_OPERATOR_PRINCIPAL_TYPE", "User")
