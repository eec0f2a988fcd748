"""Rules about who may do what: local authentication off, TLS, roles and their scopes.

Role ids are those of Azure's built-in roles
(https://learn.microsoft.com/azure/role-based-access-control/built-in-roles).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.infra.bicep import BicepFile, Resource, Value
from tests.infra.project import Infra

__all__ = ["security_problems"]

ROLE_IDS = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageBlobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageQueueDataMessageSender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "eventGridDataSender": "d5a91429-5739-47e2-a06b-3470a27159e7",
    "cognitiveServicesOpenAiUser": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    "durableTaskDataContributor": "0ad04412-c4d5-4796-b79c-f76d14c8d402",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
}

# Every grant there is: (file, scope, who, role). More, fewer or wider ones are a finding.
GRANTS = frozenset(
    {
        ("app-roles", "hostStorage", "principalId", "storageBlobDataOwner"),
        ("app-roles", "hostStorage", "principalId", "storageQueueDataContributor"),
        ("app-roles", "hostStorage", "principalId", "storageTableDataContributor"),
        ("app-roles", "videoStorage", "principalId", "storageBlobDataOwner"),
        ("app-roles", "videoStorage", "principalId", "storageQueueDataContributor"),
        ("app-roles", "videoStorage", "principalId", "storageTableDataContributor"),
        ("app-roles", "applicationInsights", "principalId", "monitoringMetricsPublisher"),
        ("app-roles", "topic", "principalId", "eventGridDataSender"),
        ("app-roles", "videoStorage", "operatorPrincipalId", "storageBlobDataContributor"),
        ("events", "eventStorage", "topic.identity.principalId", "storageQueueDataMessageSender"),
        ("events", "eventStorage", "topic.identity.principalId", "storageBlobDataContributor"),
        (
            "events",
            "eventStorage",
            "systemTopic.identity.principalId",
            "storageBlobDataContributor",
        ),
        ("openai-role", "account", "principalId", "cognitiveServicesOpenAiUser"),
        ("scheduler", "taskHub", "principalId", "durableTaskDataContributor"),
        ("key-vault", "vault", "principalId", "keyVaultSecretsUser"),
        ("key-vault", "vault", "operatorPrincipalId", "keyVaultSecretsOfficer"),
    }
)

# What each resource of a type must say, by the path of the property.
HARDENED: Mapping[str, Mapping[str, Value]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.allowCrossTenantReplication": False,
        "properties.defaultToOAuthAuthentication": True,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {
        "properties.publicAccess": "None"
    },
    "Microsoft.EventGrid/topics": {
        "properties.disableLocalAuth": True,
        "properties.inputSchema": "CloudEventSchemaV1_0",
        "properties.minimumTlsVersionAllowed": "1.2",
    },
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.CognitiveServices/accounts": {"properties.disableLocalAuth": True},
    "Microsoft.KeyVault/vaults": {
        "properties.enableRbacAuthorization": True,
        "properties.enablePurgeProtection": True,
        "properties.enableSoftDelete": True,
    },
    "Microsoft.Web/sites": {
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
        "properties.siteConfig.ftpsState": "Disabled",
        "properties.siteConfig.remoteDebuggingEnabled": False,
        "identity.type": "UserAssigned",
        "properties.functionAppConfig.deployment.storage.authentication.type": (
            "UserAssignedIdentity"
        ),
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
}

_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_KEY_FUNCTIONS = re.compile(
    r"\b(?:listKeys|listAccountSas|listServiceSas)\(|\.list(?:Keys|Secrets)"
)
_KEY_READERS = frozenset({"infra/blob-events.bicep"})
"""Files that read a key: the blob trigger's webhook takes nothing else."""


def security_problems(infra: Infra) -> list[str]:
    """Everything that is open wider than docs/security.md says, in words."""
    problems: list[str] = []
    seen: set[str] = set()
    grants: set[tuple[str, str, str, str]] = set()
    for name, file in infra.bicep.items():
        problems += _role_id_problems(name, file)
        problems += _key_problems(name, file)
        for resource in file.resources:
            if not resource.existing:
                seen.add(resource.type)
                problems += _hardening_problems(name, resource)
        for assignment in file.resource(_ASSIGNMENT):
            problems += _assignment_problems(name, file, assignment)
            grants.add(_grant(name, assignment))
    problems += [f"infra: no resource of type {kind}" for kind in sorted(HARDENED.keys() - seen)]
    problems += [f"infra: a grant too many: {grant}" for grant in sorted(grants - GRANTS)]
    problems += [f"infra: a grant is missing: {grant}" for grant in sorted(GRANTS - grants)]
    return problems


def _role_id_problems(name: str, file: BicepFile) -> Iterator[str]:
    roles = file.variables.get("roles", {})
    declared = roles if isinstance(roles, dict) else {}
    for role, identifier in declared.items():
        if ROLE_IDS.get(role) != identifier:
            yield f"{name}: the role id of {role} is {identifier}, not {ROLE_IDS.get(role)}"
    for guid in _GUID.findall(file.text):
        if guid not in declared.values():
            yield f"{name}: the id {guid} is not in the list of roles"


def _key_problems(name: str, file: BicepFile) -> Iterator[str]:
    if name not in _KEY_READERS and _KEY_FUNCTIONS.search(file.text):
        yield f"{name}: reads an access key"
    for param, how in file.params.items():
        secret = re.search(r"(?i)(keys$|secret|password|apikey)", param)
        if secret and "secure" not in how.decorators and name.endswith(".bicep"):
            yield f"{name}: the parameter {param} must be @secure()"


def _hardening_problems(name: str, resource: Resource) -> Iterator[str]:
    for path, expected in HARDENED.get(resource.type, {}).items():
        found = _at(resource.body, path)
        if found != expected or type(found) is not type(expected):
            yield f"{name}: {resource.symbol} has {path} = {found}, not {expected}"


def _at(body: Mapping[str, Value], path: str) -> Value:
    value: Value = dict(body)
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _grant(name: str, assignment: Resource) -> tuple[str, str, str, str]:
    stem = name.rsplit("/", 1)[-1].removesuffix(".bicep")
    role = re.search(r"roles\.(\w+)", _written(_at(assignment.body, "properties.roleDefinitionId")))
    return (
        stem,
        _written(_at(assignment.body, "scope")),
        _written(_at(assignment.body, "properties.principalId")),
        role.group(1) if role else "?",
    )


def _assignment_problems(name: str, file: BicepFile, assignment: Resource) -> Iterator[str]:
    _, scope, _, role = _grant(name, assignment)
    symbols = {resource.symbol for resource in file.resources}
    if scope not in symbols:
        yield f"{name}: {assignment.symbol} has the scope {scope}, which is no single resource"
    written = _written(_at(assignment.body, "name"))
    if not (written.startswith(f"guid({scope}.id,") and f"roles.{role})" in written):
        yield f"{name}: {assignment.symbol} must be named by its scope and role, not {written}"


def _written(value: Value) -> str:
    return str(getattr(value, "text", value))
