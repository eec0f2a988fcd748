"""The addresses of an instance, and the JSON text that a ``durableClient`` parameter receives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

__all__ = ["client_binding"]


def client_binding(
    *, hub_name: str, connection: str, base_url: str, rpc_base_url: str, system_key: str
) -> tuple[str, Callable[[str], Mapping[str, str]]]:
    """What a ``durableClient`` parameter receives, and the links of one instance.

    :param base_url: the public address of the webhooks, without a slash at its end.
    :param rpc_base_url: the address for the SDK's own calls, with a slash at its end.
    :returns: the binding as JSON text, and a function of an instance's id.
    """
    code = urlencode({"code": system_key})
    suffix = f"{urlencode({'taskHub': hub_name, 'connection': connection})}&{code}"

    def links(base: str, instance_id: str) -> dict[str, str]:
        instance = f"{base}/instances/{instance_id}"
        return {
            "id": instance_id,
            "statusQueryGetUri": f"{instance}?{suffix}",
            "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{suffix}",
            "terminatePostUri": f"{instance}/terminate?reason={{text}}&{suffix}",
            "rewindPostUri": f"{instance}/rewind?reason={{text}}&{suffix}",
            "purgeHistoryDeleteUri": f"{instance}?{suffix}",
            "restartPostUri": f"{instance}/restart?{suffix}",
            "suspendPostUri": f"{instance}/suspend?reason={{text}}&{suffix}",
            "resumePostUri": f"{instance}/resume?reason={{text}}&{suffix}",
        }

    start = f"{base_url}/orchestrators/{{functionName}}[/{{instanceId}}]"
    waiting = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    document = {
        "taskHubName": hub_name,
        "creationUrls": {
            "createNewInstancePostUri": f"{start}?{code}",
            "createAndWaitOnNewInstancePostUri": f"{start}?{waiting}&{code}",
        },
        "managementUrls": links(base_url, "INSTANCEID"),
        "baseUrl": base_url,
        "requiredQueryStringParameters": code,
        "rpcBaseUrl": rpc_base_url,
    }
    return json.dumps(document), lambda i: links(base_url, quote(i, safe=""))
