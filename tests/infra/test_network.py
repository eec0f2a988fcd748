"""With a virtual network, what holds data is closed, and the app still reaches it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.contract_network import network_problems
from tests.infra.mistakes import Deployments, assert_seen, replaced

_STORAGE = "Microsoft.Storage/storageAccounts/"
_SITE = "Microsoft.Web/sites/func-dailies-<token>"
_SETTINGS = "Microsoft.Web/sites/func-dailies-<token>/config/appsettings"


def test_a_network_closes_what_it_should(deployments: Deployments) -> None:
    assert network_problems(deployments) == []


@pytest.mark.parametrize(
    ("name", "part", "path", "value", "finding"),
    [
        pytest.param(
            "network",
            f"{_STORAGE}stvideo<token>",
            "properties.networkAcls.defaultAction",
            "Allow",
            "is open to everyone",
            id="an open account",
        ),
        pytest.param(
            "network-with-everything",
            "Microsoft.KeyVault/vaults/kv-<token>",
            "properties.publicNetworkAccess",
            "Enabled",
            "has its public endpoint Enabled",
            id="a public endpoint that nobody needs",
        ),
        pytest.param(
            "network",
            "pe-sthost<token>-queue/privateDnsZoneGroups",
            "properties.privateDnsZoneConfigs",
            [],
            "has no name that the network resolves",
            id="an endpoint without a name",
        ),
        pytest.param(
            "network",
            _SITE,
            "properties.virtualNetworkSubnetId",
            None,
            "is not in the network",
            id="an app outside",
        ),
        pytest.param(
            "network",
            _SETTINGS,
            "properties.DAILIES_CONTENT_DELIVERY",
            "redirect",
            "lead nowhere",
            id="links into a closed account",
        ),
        pytest.param(
            "default",
            _SITE,
            "properties.virtualNetworkSubnetId",
            "Microsoft.Network/virtualNetworks/v/subnets/app",
            "in a network that is not made",
            id="a subnet of nothing",
        ),
    ],
)
def test_a_door_left_open_or_walled_up_is_seen(
    deployments: Deployments, name: str, part: str, path: str, value: Any, finding: str
) -> None:
    wrong = deployments[name].with_value(part, path, value)
    assert_seen(finding, network_problems(replaced(deployments, name, wrong)))


def test_a_private_endpoint_that_is_missing_is_seen(deployments: Deployments) -> None:
    wrong = deployments["network"].without("privateEndpoints/pe-stvideo<token>-table")
    problems = network_problems(replaced(deployments, "network", wrong))
    assert_seen("private endpoints for ['blob', 'queue'], not ['blob', 'queue', 'table']", problems)
