"""The quota of a deployment, one entity each: the key is the deployment's name in the catalogue."""

from __future__ import annotations

import azure.durable_functions as df

from dailies.pipeline import metrics
from dailies.routing import quota as rules

blueprint = df.Blueprint()


@blueprint.entity_trigger(context_name="context", entity_name="quota")
def quota(context: df.DurableEntityContext) -> None:
    """``acquire`` answers a grant, ``release`` gives a lease back: ``dailies.routing.quota``."""
    state: rules.QuotaState = context.get_state(rules.empty)
    match context.operation_name:
        case "acquire":
            state, grant = rules.acquire(state, context.get_input())
            if not grant["granted"]:
                metrics.put_off(context.entity_key, grant["wait_seconds"], by="own")
            context.set_result(grant)
        case "release":
            state = rules.release(state, context.get_input()["video"])
        case other:
            raise ValueError(f"the quota entity has no operation {other!r}")
    context.set_state(state)
