"""Predicted resources as data: what a deployment would make, in a form that is read and compared.

Made of the compiler's snapshots. Shortened is only what says nothing: the ids of the test's own
subscription and resource group, the token that makes names unique (``<token>``), texts of queries
(``<queries/….kql>``), versions in references, and role ids, which have names. Values that Azure
knows only when it deploys stay expressions, in brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from tests.infra.compiler import RESOURCE_GROUP, SUBSCRIPTION

__all__ = ["ROLES", "Deployment", "Resource", "normalised", "strings"]

ROLES: Mapping[str, str] = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
    "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd": "Cognitive Services OpenAI User",
    "a97b65f3-24c7-4388-baec-2e87135dc908": "Cognitive Services User",
    "0ad04412-c4d5-4796-b79c-f76d14c8d402": "Durable Task Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
}
"""Built-in roles (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles)."""

_IDENTITY_NAME = re.compile(r"/id-dailies-([a-z0-9]{13})")
_ROLE_ID = re.compile(r"^/subscriptions/[^/]+/providers/[^/]+/roleDefinitions/([0-9a-f-]{36})$")
_REFERENCE = re.compile(r"(reference\('[^']+'), '[0-9-]{10}(?:-preview)?'")
# The id of a role assignment whose name Azure knows when it deploys.
_LATE_ID = re.compile(r"^\[extensionResourceId\('([^']+)', ")
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
_WORKBOOK = "Microsoft.Insights/workbooks"
_DOCUMENT = "serializedData"
"""The property of a workbook that holds JSON in a string."""
_RENAMED = (_ASSIGNMENT, _WORKBOOK)
"""Types whose names are made of other values; here their ids say what they are."""
_EXTENSIONS = (_ASSIGNMENT, _DIAGNOSTICS)
_PRINCIPALS = {
    "Microsoft.ManagedIdentity/userAssignedIdentities/id-dailies-<token>": "app",
    "Microsoft.EventGrid/topics/evgt-dailies-<token>": "topic",
    "Microsoft.EventGrid/systemTopics/evgs-references-<token>": "system topic",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    ``id`` begins with its provider, or is whole where it lies outside the resource group. What
    extends another resource comes after that one's id; role assignments as
    ``<scope>/roleAssignments/<who>/<role>``, workbooks with the name that people see.
    """

    id: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Its type, for example ``Microsoft.Storage/storageAccounts``."""
        return str(self.body["type"])

    @property
    def scope(self) -> str:
        """The id of what it extends (a role assignment, a diagnostic setting), else empty."""
        if self.type not in _EXTENSIONS:
            return ""
        return self.id.partition(f"/{self.type.rpartition('/')[2]}/")[0]

    def at(self, path: str) -> Any:
        """The value at names joined by dots; None where there is none."""
        value: Any = self.body
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value


@dataclass(frozen=True, slots=True)
class Deployment:
    """What one set of values makes: resources by id, and outputs by name."""

    environment: Mapping[str, str]
    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Any]

    def __iter__(self) -> Iterator[Resource]:
        return (Resource(key, body) for key, body in self.resources.items())

    def of_type(self, kind: str) -> list[Resource]:
        """The resources of this type."""
        return [resource for resource in self if resource.type == kind]

    def with_value(self, part: str, path: str, value: Any) -> Deployment:
        """The same with one value changed, None to take it away.

        Args:
            part: what the ids of the resources to change contain.
            path: names joined by dots.
            value: the new value.

        Raises:
            ValueError: no id contains ``part``, so nothing would be tested.
        """
        found = [resource.id for resource in self if part in resource.id]
        if not found:
            raise ValueError(f"no resource has {part!r} in its id")
        changed = deepcopy(dict(self.resources))
        *parents, last = path.split(".")
        for key in found:
            at: Any = changed[key]
            for name in parents:
                at = at.setdefault(name, {})
            at[last] = value
            if value is None:
                del at[last]
        return replace(self, resources=changed)

    def without(self, part: str) -> Deployment:
        """The same without the resources whose ids contain ``part``; as ``with_value``."""
        kept = {key: body for key, body in self.resources.items() if part not in key}
        if len(kept) == len(self.resources):
            raise ValueError(f"no resource has {part!r} in its id")
        return replace(self, resources=kept)


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, names of properties too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def normalised(
    raw: Mapping[str, Any], environment: Mapping[str, str], queries: Mapping[str, str]
) -> Deployment:
    """A snapshot of the compiler in the form that is kept.

    Args:
        raw: the compiler's document.
        environment: the values that it was made of.
        queries: texts of the files in ``infra/queries`` by name.
    """
    group = environment.get("DAILIES_RESOURCE_GROUP") or RESOURCE_GROUP
    names = {text: f"<queries/{name}>" for name, text in queries.items()}
    token = _IDENTITY_NAME.search(json.dumps(raw))

    def short(text: str) -> str:
        role = _ROLE_ID.match(text)
        if role and role[1] in ROLES:
            return ROLES[role[1]]
        here = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        text = text.replace(f"{here}/providers/", "").replace(here, f"resourceGroups/{group}")
        text = text.replace(token[1], "<token>") if token else text
        return _REFERENCE.sub(r"\1", text)

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return names.get(value) or short(value)
        if isinstance(value, dict):  # Azure takes null as not given
            return {
                short(k): plain(json.loads(v) if k == _DOCUMENT else v)
                for k, v in value.items()
                if v is not None
            }
        return [plain(item) for item in value] if isinstance(value, list) else value

    resources: dict[str, dict[str, Any]] = {}
    for resource in raw["predictedResources"]:
        body = plain({name: value for name, value in resource.items() if name != "id"})
        key = _key(short(resource["id"]), body, environment)
        if key in resources:
            raise ValueError(f"two resources have the id {key}")
        if body["type"] not in _RENAMED:
            del body["name"]  # the end of the id
        resources[key] = body
    return Deployment(dict(environment), resources, plain(raw["outputs"]))


def _key(identifier: str, body: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    if body["type"] == _WORKBOOK:
        return f"{_WORKBOOK}/{body['properties']['displayName']}"
    if body["type"] != _ASSIGNMENT:
        return identifier.replace(f"/providers/{_DIAGNOSTICS}/", "/diagnosticSettings/")
    late = _LATE_ID.match(identifier)
    scope = late[1] if late else identifier.partition(f"/providers/{_ASSIGNMENT}/")[0]
    properties = body["properties"]
    who = _who(properties["principalId"], environment)
    return f"{scope}/roleAssignments/{who}/{properties['roleDefinitionId']}"


def _who(principal: str, environment: Mapping[str, str]) -> str:
    if principal == environment.get("DAILIES_OPERATOR_PRINCIPAL_ID"):
        return "operator"
    return next((who for name, who in _PRINCIPALS.items() if f"'{name}'" in principal), principal)
