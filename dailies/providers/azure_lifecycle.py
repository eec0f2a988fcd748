"""When Azure retires the models of an account's deployments, as its management API tells it.

The role that videos are made with (Cognitive Services OpenAI User) may read this too. The client is
Microsoft's own and is asked once a day, so it is imported when that is due.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AsyncHttpTransport

from dailies.catalogue import Deployment

if TYPE_CHECKING:  # hundreds of models, for a timer
    from azure.mgmt.cognitiveservices.models import AccountModel
    from azure.mgmt.cognitiveservices.models import Deployment as AccountDeployment

__all__ = ["AccountLifecycle", "AzureLifecycle"]

_ACCOUNT = re.compile(
    r"/subscriptions/(?P<subscription>[^/]{1,64})/resourceGroups/(?P<group>[^/]{1,90})"
    r"/providers/Microsoft\.CognitiveServices/accounts/(?P<account>[^/]{2,64})/?",
    re.IGNORECASE,
)
_TENTATIVE = "Tentative"


@dataclass(frozen=True, slots=True)
class AccountLifecycle:
    """What an account told: the hosts that it answers at, and by the names of its deployments the
    days from which their models are gone."""

    hosts: frozenset[str]
    days: Mapping[str, date]

    def retires(self, deployment: Deployment) -> date | None:
        """The day for a deployment of the catalogue; None where it is none of this account's."""
        if _host(deployment.endpoint or "") not in self.hosts:
            return None
        return self.days.get(deployment.deployment)


class AzureLifecycle:
    """Reads the lifecycle of one account.

    Args:
        account_id: its resource id.
        management: the address of Azure's management API.
        transport: of the client; its own if not given.
    """

    def __init__(
        self,
        account_id: str,
        management: str,
        credential: AsyncTokenCredential,
        *,
        transport: AsyncHttpTransport[Any, Any] | None = None,
    ) -> None:
        self._account_id = account_id
        self._options: dict[str, Any] = {} if transport is None else {"transport": transport}
        self._management = management
        self._credential = credential

    async def read(self) -> AccountLifecycle:
        """The account's deployments, with the days on which their models retire. A day that Azure
        itself calls tentative is none.

        Raises:
            azure.core.exceptions.AzureError: it does not answer, or does not let us.
        """
        from azure.mgmt.cognitiveservices.aio import CognitiveServicesManagementClient

        found = _ACCOUNT.fullmatch(self._account_id)
        assert found is not None  # noqa: S101 - checked by Settings
        client = CognitiveServicesManagementClient(
            self._credential,
            found["subscription"],
            base_url=self._management,
            credential_scopes=[f"{self._management}/.default"],
            retry_total=2,
            connection_timeout=10,
            read_timeout=30,
            **self._options,
        )
        async with client:
            where = found["group"], found["account"]
            account = await client.accounts.get(*where)
            models = [model async for model in client.accounts.list_models(*where)]
            deployments = [each async for each in client.deployments.list(*where)]
        properties = account.properties
        addresses = [] if properties is None else [properties.endpoint or ""]
        if properties is not None:
            addresses += (properties.endpoints or {}).values()
        hosts = frozenset(map(_host, addresses)) - {""}
        return AccountLifecycle(hosts, _days(models, deployments))


def _days(
    models: Iterable[AccountModel], deployments: Iterable[AccountDeployment]
) -> dict[str, date]:
    """By the names of deployments, the day from which what they are made of is gone."""
    days = {
        (model.name, model.version): _day(model.deprecation.inference)
        for model in models
        if model.deprecation is not None and model.deprecation.deprecation_status != _TENTATIVE
    }
    found: dict[str, date] = {}
    for deployment in deployments:
        made_of = deployment.properties.model if deployment.properties else None
        day = days.get((made_of.name, made_of.version)) if made_of else None
        if deployment.name is not None and day is not None:
            found[deployment.name] = day
    return found


def _host(address: str) -> str:
    return urlsplit(address).netloc.lower()


def _day(text: str | None) -> date | None:
    try:
        return datetime.fromisoformat(text or "").date()
    except ValueError:
        return None
