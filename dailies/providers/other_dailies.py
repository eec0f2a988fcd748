"""Another Dailies: OpenAI's videos protocol, with creates that may be sent again.

It answers a create that has the ``Idempotency-Key`` of an earlier one, and the same body, with the
video that it made then (``docs/api.md``). So an unknown outcome needs no list: the same request is
sent again. Two of its 409s say that this will never be answered so: what then became of the first
sending is for an operator to find out, at once. Never tried across two deployments; the adapter
speaks to the app itself in the tests.
"""

from __future__ import annotations

from dailies.providers.classify import Answer, Call
from dailies.providers.declaration import Help, Provider, Recovery
from dailies.providers.key_auth import ApiKeyAuth, BearerKeyAuth
from dailies.providers.openai_videos import OpenAIVideos, VideosOptions
from dailies.providers.openai_videos_body import (
    check_sizes,
    names_users,
    sent,
    settable,
    together,
)
from dailies.providers.outcomes import Kind

__all__ = ["PROVIDER"]

_CREATES = frozenset({Call.CREATE, Call.DERIVE})

# fmt: off
_ANSWERS = (
    Answer(_CREATES, {409}, r"idempotency_key_reused|video_deleted", Kind.REFUSED, "key_used_up",
           "The provider knows this request's key by another request, or by a video that was "
           "deleted there. It makes no video for it.",
           remedy="Look at {endpoint} for the video of this Idempotency-Key, which is our video's "
           "id: the request was another one when it was sent first, or the video was deleted."),
)
# fmt: on

PROVIDER = Provider(
    id="other-dailies",
    adapter=OpenAIVideos,
    recovery=Recovery.KEYED,
    options=VideosOptions,
    sends=sent,
    limits=together,
    check=check_sizes,
    takes_safety_identifier=names_users,
    caller_options=settable,
    key_auth=ApiKeyAuth,
    bearer_auth=BearerKeyAuth,
    answers=_ANSWERS,
    helps=(
        Help(
            "untrusted_link",
            remedy="Name the host of the other Dailies' storage account in `file_hosts` of the "
            "options of '{deployment}': it redirects there.",
        ),
    ),
)
