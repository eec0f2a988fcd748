"""Another Dailies: OpenAI's videos protocol, with creates that may be sent again.

It answers a create that has the ``Idempotency-Key`` of an earlier one, and the same body, with the
video that it made then (``docs/api.md``). So an unknown outcome needs no list: the same request is
sent again. Never tried across two deployments; the adapter speaks to the app itself in the tests.
"""

from __future__ import annotations

from dailies.providers.azure_auth import ApiKeyAuth, BearerKeyAuth
from dailies.providers.declaration import Help, Provider, Recovery
from dailies.providers.openai_videos import OpenAIVideos, VideosOptions
from dailies.providers.openai_videos_body import (
    check_sizes,
    names_users,
    sent,
    settable,
    together,
)

__all__ = ["PROVIDER"]

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
    helps=(
        Help(
            "untrusted_link",
            remedy="Name the host of the other Dailies' storage account in `file_hosts` of the "
            "options of '{deployment}': it redirects there.",
        ),
    ),
)
