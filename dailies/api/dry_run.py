"""A create that only tells what would follow: ``POST /videos?dry_run=true``."""

from __future__ import annotations

from fastapi import Request

from dailies.api.asked import asked_for, warn_untold
from dailies.api.bodies import open_body
from dailies.api.context import Context, Owner
from dailies.api.sending import idempotency_key
from dailies.intake.accept import claim_of
from dailies.intake.webhooks import check_webhook
from dailies.owners.key import Way
from dailies.pipeline.forecast import forecast
from dailies.protocols.openai.bodies import REFERENCE
from dailies.protocols.openai.dry_run import DryRun, dry_run_object
from dailies.video.errors import InvalidRequest, UnusableReference

__all__ = ["dry_run"]


async def dry_run(context: Context, request: Request, *, caller: Owner) -> DryRun:
    """What would become of the request, if it were accepted now.

    Raises:
        RequestError: the same as a create would be answered with, or an image can't be used.
    """
    services = context.services
    idempotency_key(request)
    most = services.settings.max_reference_bytes
    async with open_body(request, max_inline_bytes=most) as body:
        given, asked, inputs = await asked_for(context, request, body, caller.name)
        given.check_files()
        check_webhook(services, asked)
        warn_untold(given, asked, services.catalogue)
        limits = caller.key.limits
        limits.check_way(Way.OPENAI)
        limits.check_model(asked.model)
        asked = asked.model_copy(update={"priority": limits.priority(asked.priority)})
        now = services.clock()
        claim = claim_of(services, caller.name, asked, caller.key, now, inputs)
        await services.records.ledger.applies(claim)
        try:
            found = await forecast(
                services, context.orchestrations, caller.name, asked, inputs, caller.key
            )
        except UnusableReference as error:
            param = error.param or REFERENCE
            raise InvalidRequest(error.message, param=param, code=error.code) from None
    return dry_run_object(found, given.warnings)
