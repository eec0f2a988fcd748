"""Timers. What each does is imported when it is first due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import azure.functions as func

from dailies.app.runtime import services, start_work
from dailies.telemetry.logs import log_event, telling_fault
from durable_client import DurableOrchestrations

blueprint = df.Blueprint()

# Every hour, as a day's worth is too much for one run where there are many: a host ends a function
# after half an hour, and the durable client a request after five minutes.
_RETIRING = "0 0 * * * *"
_PURGING = "0 30 * * * *"
_MORNINGS = "0 0 6 * * *"
# A warning should come while there is something left. What is not summed up yet is read row by row,
# whenever somebody asks what was spent.
_BOOKKEEPING = "15 */2 * * * *"


@blueprint.timer_trigger(arg_name="timer", schedule="%DAILIES_SWEEP_SCHEDULE%", use_monitor=True)
@blueprint.durable_client_input(client_name="client")
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """See ``dailies.pipeline.sweep``."""
    from dailies.pipeline import courier
    from dailies.pipeline import sweep as rules

    start_work(tell_again=True)
    orchestrations = DurableOrchestrations(client)
    with telling_fault("sweep"):
        await rules.sweep(services(), orchestrations, late=timer.past_due)
        await courier.look_after_courier(services(), orchestrations)
        await courier.answer_doorbell(services(), orchestrations)


@blueprint.timer_trigger(arg_name="timer", schedule="%DAILIES_SWEEP_SCHEDULE%", use_monitor=True)
@blueprint.durable_client_input(client_name="client")
async def sweep_references(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """See ``dailies.drops.sweep``."""
    from dailies.drops.sweep import sweep_drops

    start_work()
    with telling_fault("sweep_references"):
        await sweep_drops(services(), DurableOrchestrations(client), late=timer.past_due)


@blueprint.timer_trigger(arg_name="timer", schedule="%DAILIES_SWEEP_SCHEDULE%", use_monitor=True)
@blueprint.durable_client_input(client_name="client")
async def sweep_batches(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """See ``dailies.batches.starting``."""
    from dailies.batches import starting

    start_work()
    with telling_fault("sweep_batches"):
        await starting.sweep_batches(services(), DurableOrchestrations(client))


@blueprint.timer_trigger(arg_name="timer", schedule=_RETIRING, use_monitor=True)
async def retire_videos(timer: func.TimerRequest) -> None:
    """See ``dailies.pipeline.retention`` and ``dailies.batches.removing``."""
    from dailies.batches import removing
    from dailies.pipeline import retention

    start_work()
    with telling_fault("retire_videos"):
        retired = await retention.retire_videos(services())
        await removing.retire_batches(services())
    if retired:
        log_event("videos_retired", number=retired, late=timer.past_due)


@blueprint.timer_trigger(arg_name="timer", schedule=_PURGING, use_monitor=True)
@blueprint.durable_client_input(client_name="client")
async def purge_histories(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Forget the histories of orchestrations and the deliveries that ended days ago; the records
    stay."""
    from dailies.pipeline import courier

    start_work()
    before = datetime.now(UTC) - timedelta(days=services().settings.history_days)
    with telling_fault("purge_histories"):
        purged = await DurableOrchestrations(client).purge_finished(before)
        await courier.forget_deliveries(services(), before.timestamp())
    log_event("histories_purged", number=purged, late=timer.past_due)


@blueprint.timer_trigger(arg_name="timer", schedule=_MORNINGS, use_monitor=True)
async def warn_of_retirements(timer: func.TimerRequest) -> None:
    """See ``dailies.pipeline.retirements``."""
    from dailies.pipeline import retirements

    start_work()
    with telling_fault("warn_of_retirements"):
        await retirements.warn_of_retirements(services())


@blueprint.timer_trigger(arg_name="timer", schedule=_BOOKKEEPING, use_monitor=True)
async def keep_books(timer: func.TimerRequest) -> None:
    """See ``dailies.pipeline.budgets`` and ``dailies.pipeline.spend``."""
    from dailies.pipeline import budgets, spend

    start_work()
    with telling_fault("keep_books"):
        await budgets.warn_of_budgets(services())
        await spend.sum_up(services())
