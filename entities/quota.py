"""The lane of a deployment, one entity each: the key is the deployment's name in the catalogue.

Its name is of before there were lanes: queues and running instances hold it.
"""

from __future__ import annotations

import azure.durable_functions as df

from dailies.pipeline import metrics
from dailies.routing import lane as rules

blueprint = df.Blueprint()


@blueprint.entity_trigger(context_name="context", entity_name="quota")
def quota(context: df.DurableEntityContext) -> None:
    """``acquire`` answers a grant, ``release`` gives a lease back and tells what a render
    took: ``dailies.routing.lane``."""
    state: rules.LaneState = context.get_state(rules.empty)
    match context.operation_name:
        case "acquire":
            state, grant = rules.acquire(state, context.get_input())
            if not grant["granted"]:
                metrics.put_off(context.entity_key, grant["wait_seconds"], by="own")
            context.set_result(grant)
        case "release":
            state = rules.release(state, context.get_input())
        case other:
            raise ValueError(f"the quota entity has no operation {other!r}")
    context.set_state(state)
