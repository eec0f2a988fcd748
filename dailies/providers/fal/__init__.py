"""fal, which hosts hundreds of models behind one queue: each is a row of the catalogue.

A request is queued at ``{endpoint}/{owner}/{app}/{path}``; its answer names the addresses where its
state, its result and its end are asked for. They are kept in the job's id, as paths below the
endpoint: what leads elsewhere is not asked, and so the credential goes nowhere else.

``COMPLETED`` says that a request is over, not that it went well: the result's address repeats the
status and the body that the model answered with. It does so for an hour, or for six minutes where
the result has 10 KB or more; the files stay longer.

fal runs a failed request again, up to ten times, unless it is told not to. It is: a request is one
run. ``reruns: true`` in a deployment's options lets it.

A call tells that a request is over, and names it: so a create that lost its answer heals itself.
fal's list of requests (``api.fal.ai/v1/models/requests/by-endpoint``) repeats inputs, but it is
sorted by the end of requests, and nobody says that it tells of those that run: it is not used.

Sources: fal_client 1.0.3 (addresses, headers, states, ``error_type``); fal's pages "Queue API"
(the statuses 202 and 200, the answers to a cancel, how long results are kept), "Request Error
Types" and "Model Errors", "Platform Headers", "Webhooks" (the call; what is signed, as several
public checks of it agree) and "FAQ" (a failure of 5xx costs nothing, one of 422 may); public
reports of "User is locked" (403). None of it was tried live.
"""

from __future__ import annotations

from dailies.providers.classify import NO_CREDIT, SHUT_OUT, Answer, Call
from dailies.providers.declaration import Help, Provider, Recovery
from dailies.providers.fal.adapter import Fal, FalOptions, KeyAuth, of_endpoints, of_routes
from dailies.providers.fal.check import route_problems
from dailies.providers.fal.errors import POLICY
from dailies.providers.outcomes import Kind

__all__ = ["PROVIDER"]

_CREATES = frozenset({Call.CREATE, Call.DERIVE})
_TOP_UP = r"exhausted balance|top[ _]up|insufficient (?:balance|credit|fund)"

PROVIDER = Provider(
    id="fal",
    adapter=Fal,
    recovery=Recovery.CALLED_BACK,
    options=FalOptions,
    caller_options=of_routes,
    limits=of_endpoints,
    check=route_problems,
    key_auth=KeyAuth,
    # v3b.fal.media and v3.fal.media have the files; the others its keys.
    hosts=("fal.media", ".fal.media", "rest.fal.ai", "rest.alpha.fal.ai"),
    answers=(
        Answer(_CREATES, {401, 403}, _TOP_UP, Kind.REFUSED, "no_credit", NO_CREDIT),
        Answer(_CREATES, {403}, "user is locked", Kind.UNAUTHORISED, "account_locked", SHUT_OUT),
        Answer(
            _CREATES | {Call.CONTENT},
            range(400, 500),
            POLICY,
            Kind.REFUSED,
            "moderation_blocked",
            "The provider's moderation blocked the request{reasons}. Change the prompt or the "
            "reference image; the same request would be blocked again.",
        ),
    ),
    helps=(
        Help("no_credit", "Add credit at fal.ai/dashboard/billing, or raise the account's limit."),
        Help("account_locked", "fal has locked the account: ask support@fal.ai."),
        Help(
            "access_denied",
            "The key may not be used for '{deployment}' at {endpoint}: give it fal's scope 'API'.",
        ),
    ),
)
