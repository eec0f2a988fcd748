"""Nothing is open wider than docs/security.md says, and each hole is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.infra.contract_security import documented_grants, security_problems
from tests.infra.mistakes import Deployments, assert_seen, replaced
from tests.infra.predicted import Deployment
from tests.infra.project import Infra

_PAGE = "docs/security.md"
_STORAGE = "Microsoft.Storage/storageAccounts/"
_SITE = "Microsoft.Web/sites/func-dailies-<token>"
_SETTINGS = "Microsoft.Web/sites/func-dailies-<token>/config/appsettings"
_GRANT = f"{_STORAGE}stvideo<token>/roleAssignments/app/Storage Table Data Contributor"


def test_nothing_is_open_wider_than_meant(infra: Infra, deployments: Deployments) -> None:
    assert security_problems(deployments, infra.texts[_PAGE]) == []


@pytest.mark.parametrize(
    ("name", "part", "path", "value", "finding"),
    [
        pytest.param(
            "default",
            f"{_STORAGE}sthost",
            "properties.allowSharedKeyAccess",
            True,
            "allowSharedKeyAccess = True",
            id="shared keys on",
        ),
        pytest.param(
            "retention",
            f"{_STORAGE}stvideo",
            "properties.allowSharedKeyAccess",
            None,
            "retention: Microsoft.Storage/storageAccounts/stvideo<token> has",
            id="shared keys left to the default, in one deployment alone",
        ),
        pytest.param(
            "default",
            f"{_STORAGE}stevent",
            "properties.minimumTlsVersion",
            "TLS1_0",
            "minimumTlsVersion = TLS1_0",
            id="old TLS",
        ),
        pytest.param(
            "default",
            "containers/references",
            "properties.publicAccess",
            "Blob",
            "publicAccess = Blob",
            id="public images",
        ),
        pytest.param(
            "default",
            "Microsoft.EventGrid/topics/evgt-dailies-<token>",
            "properties.disableLocalAuth",
            False,
            "disableLocalAuth = False",
            id="topic keys on",
        ),
        pytest.param(
            "openai-new",
            "Microsoft.CognitiveServices/accounts/oai-dailies-<token>",
            "properties.disableLocalAuth",
            None,
            "disableLocalAuth = None",
            id="keys of Azure OpenAI left to the default",
        ),
        pytest.param(
            "content-safety",
            "Microsoft.CognitiveServices/accounts/cs-dailies-<token>",
            "kind",
            "CognitiveServices",
            "is of the kind CognitiveServices",
            id="an account that does more than is asked of it",
        ),
        pytest.param(
            "key-vault",
            "Microsoft.KeyVault/vaults/kv-<token>",
            "properties.enablePurgeProtection",
            None,
            "enablePurgeProtection = None",
            id="a vault that can be purged",
        ),
        pytest.param(
            "large",
            _SITE,
            "properties.siteConfig.cors",
            {"allowedOrigins": ["*"]},
            "properties.siteConfig.cors",
            id="every web page may call",
        ),
        pytest.param(
            "default",
            "basicPublishingCredentialsPolicies/scm",
            "properties.allow",
            True,
            "allow = True",
            id="a publishing password",
        ),
        pytest.param(
            "default",
            _SETTINGS,
            "properties.DAILIES_API_KEYS",
            "me=sha256:" + "a" * 64,
            "shows DAILIES_API_KEYS",
            id="a secret in the clear",
        ),
        pytest.param(
            "default",
            _SETTINGS,
            "properties.VideoStorage",
            "[listKeys('Microsoft.Storage/storageAccounts/x', '2025-08-01').keys[0].value]",
            "reads an access key",
            id="an access key in a setting",
        ),
        pytest.param(
            "operator",
            "roleAssignments/operator/",
            "properties.principalType",
            "User",
            "names another kind of principal",
            id="a role for somebody of another kind",
        ),
        pytest.param(
            "operators-by-entra",
            "config/authsettingsV2",
            "properties.identityProviders.azureActiveDirectory.registration.openIdIssuer",
            "https://login.microsoftonline.com/common/v2.0",
            "not one tenant of Entra's",
            id="tokens of any tenant",
        ),
        pytest.param(
            "network",
            "networkSecurityGroups/",
            "properties.securityRules",
            [
                {
                    "name": "everyone",
                    "properties": {
                        "direction": "Inbound",
                        "access": "Allow",
                        "sourceAddressPrefix": "*",
                    },
                }
            ],
            "everyone lets in *",
            id="a door in the network",
        ),
    ],
)
def test_a_hole_is_seen(
    infra: Infra,
    deployments: Deployments,
    name: str,
    part: str,
    path: str,
    value: Any,
    finding: str,
) -> None:
    wrong = deployments[name].with_value(part, path, value)
    assert_seen(finding, security_problems(replaced(deployments, name, wrong), infra.texts[_PAGE]))


def _granting(deployment: Deployment, scope: str, who: str, role: str) -> Deployment:
    """The same with one role more."""
    body = {**deployment.resources[_GRANT]}
    body["properties"] = {**body["properties"], "roleDefinitionId": role}
    grants = {f"{scope}/roleAssignments/{who}/{role}": body}
    return replace(deployment, resources={**deployment.resources, **grants})


@pytest.mark.parametrize(
    ("scope", "who", "role", "finding"),
    [
        pytest.param(
            "resourceGroups/rg-test",
            "app",
            "Storage Blob Data Contributor",
            "'resourceGroups/rg-test')",
            id="on the whole group",
        ),
        pytest.param(
            f"{_STORAGE}stvideo<token>",
            "app",
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "grants an unknown role",
            id="that nobody argued for",
        ),
        pytest.param(
            f"{_STORAGE}stevent<token>",
            "app",
            "Storage Queue Data Contributor",
            "docs/security.md does not argue for: ('app', 'Storage Queue Data Contributor', 'event",
            id="on one account more",
        ),
        pytest.param(
            f"{_STORAGE}stvideo<token>",
            "11111111-2222-3333-4444-555555555555",
            "Storage Blob Data Contributor",
            "does not argue for: ('11111111-",
            id="for somebody else",
        ),
    ],
)
def test_a_role_too_many_is_seen(
    infra: Infra, deployments: Deployments, scope: str, who: str, role: str, finding: str
) -> None:
    wrong = _granting(deployments["default"], scope, who, role)
    assert_seen(
        finding, security_problems(replaced(deployments, "default", wrong), infra.texts[_PAGE])
    )


def test_a_role_that_is_missing_is_seen(infra: Infra, deployments: Deployments) -> None:
    wrong = deployments["network"].without(_GRANT)
    problems = security_problems(replaced(deployments, "network", wrong), infra.texts[_PAGE])
    assert_seen("network: a grant is missing: ('app', 'Storage Table Data Contributor'", problems)


def test_a_role_that_the_page_promises_to_nobody_is_seen(
    infra: Infra, deployments: Deployments
) -> None:
    row = "| app | EventGrid Data Sender | event topic | always | publishing |"
    more = "| app | Owner | event topic | with luck | none |"
    page = infra.texts[_PAGE].replace(row, f"{row}\n{more}")
    assert len(documented_grants(page)) == len(documented_grants(infra.texts[_PAGE])) + 1
    assert_seen("no parameter set grants ('app', 'Owner'", security_problems(deployments, page))
