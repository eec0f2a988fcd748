"""What the service codes of Kling mean: they decide, whatever the status.

Source: the table of error codes in Kling's API documentation, as copies of it tell.
"""

from __future__ import annotations

from dailies.providers.classify import ANY, SHUT_OUT, Answer, Call
from dailies.providers.declaration import Help
from dailies.providers.outcomes import Kind

__all__ = ["ANSWERS", "HELPS"]

# fmt: off
_CREATE = frozenset({Call.CREATE})
_ALL = range(200, 600)
_4XX = range(400, 500)
ANSWERS: tuple[Answer, ...] = (
    # Unique within an account: a task that has it must be of the same video.
    Answer(_CREATE, _4XX, r"external_?task_?id", Kind.UNKNOWN, "unknown_outcome",
           "The provider complains of the id of the request; it may have taken it before."),
    Answer(_CREATE, _ALL, r"\A110[12]\b", Kind.REFUSED, "no_credit",
           "This service has no credit left at the provider."),
    Answer(_CREATE, _ALL, r"\A130[01]\b", Kind.REFUSED, "moderation_blocked",
           "The provider's moderation blocked the request. Change the prompt or the reference "
           "image; the same request would be blocked again."),
    Answer(_CREATE, _ALL, r"\A(?:1103|1203)\b", Kind.REFUSED, "deployment_not_found",
           "The provider does not offer this model to this service ({status}). Nothing was made. "
           "Use another model, or ask the service's operator: the log says what is wrong.",
           remedy="Kling does not offer '{deployment}' to this account. Check the name in the "
           "catalogue and the account's resource packs."),
    Answer(ANY, _ALL, r"\A1100\b", Kind.UNAUTHORISED, "account_exception", SHUT_OUT,
           remedy="Kling has a complaint about the account of deployment '{deployment}' (1100): "
           "look at it in Kling's console."),
    Answer(ANY, _ALL, r"\A1304\b", Kind.UNAUTHORISED, "network_blocked", SHUT_OUT,
           remedy="Kling takes no calls from the app's address (1304): add it to the account's "
           "list of allowed addresses."),
    Answer(ANY, _ALL, r"\A1303\b", Kind.THROTTLED, "concurrency_limit",
           "The provider runs as many jobs as it may. Try again when one is done."),
    Answer(ANY, _ALL, r"\A1302\b", Kind.THROTTLED, "rate_limit",
           "The provider takes no more requests for the moment. Try again later."),
    Answer(frozenset({Call.STATUS}), _4XX, r"\A120[0-3]\b", Kind.MISSING, "job_not_found",
           "The provider does not know this job: it vanished or expired."),
)
HELPS: tuple[Help, ...] = (
    Help("no_credit", "Buy a resource pack for the account of deployment '{deployment}', or pay "
         "what is due, in Kling's console."),
    Help("invalid_credential", "Kling refused the token for '{deployment}'. KLING_API_KEY must be "
         "the access key and its secret key with a colon between, and the clock must be right."),
    Help("concurrency_limit", "If this lasts, set the deployment's quota 'concurrent' to what the "
         "account's resource pack allows."),
)
# fmt: on
