"""All parsers of what others made. One that is new goes into the file of its kind.

``EXCUSED`` is for functions that only look as if they parsed, or that parse what the operator or
the app itself wrote.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.parsers import batches, bodies, fields, files, keys, providers

__all__ = ["EXCUSED", "PARSERS"]

PARSERS = (
    *bodies.PARSERS,
    *files.PARSERS,
    *fields.PARSERS,
    *keys.PARSERS,
    *providers.PARSERS,
    *batches.PARSERS,
)

_OPERATORS = "what the operator wrote, read once"
_OWN = "what the app itself wrote"
_NUMBERS = "numbers, not texts"
_AZURE = "what Azure's management API says of the operator's own account, once a day"
EXCUSED: Mapping[tuple[str, str], str] = {
    ("dailies/app/doubts.py", "_unknown"): _OPERATORS,
    ("dailies/catalogue/environment.py", "placeholders"): _OPERATORS,
    ("dailies/catalogue/environment.py", "fill_in"): _OPERATORS,
    ("dailies/hosts.py", "PrivateHosts.parse"): _OPERATORS,
    ("dailies/settings/values.py", "is_safe_url"): _OPERATORS,
    ("dailies/settings/values.py", "_split_keys"): _OPERATORS,
    ("dailies/owners/guard.py", "read_blocklists"): _OPERATORS,
    ("dailies/owners/guard.py", "read_severities"): _OPERATORS,
    ("dailies/announce/webhooks.py", "headers_of"): _NUMBERS,
    ("dailies/pipeline/courier.py", "_Courier._rest"): _NUMBERS,
    ("dailies/pipeline/delivering.py", "_tell"): "an address that was read before",
    ("dailies/stores/deliveries.py", "DeliveryStore.rest"): _NUMBERS,
    ("dailies/stores/deliveries.py", "DeliveryStore.sinks"): _OWN,
    ("dailies/stores/deliveries.py", "Due.at"): _OWN,
    ("dailies/stores/deliveries.py", "_falling"): _NUMBERS,
    ("dailies/stores/deliveries.py", "_rising"): _NUMBERS,
    ("dailies/guards/webhook.py", "webhook_key"): _OPERATORS,
    ("dailies/guards/webhook.py", "signed_headers"): _NUMBERS,
    ("dailies/providers/declaration.py", "Provider.context"): _OPERATORS,
    ("dailies/providers/registry.py", "find_provider"): _OPERATORS,
    ("dailies/telemetry/faults.py", "_code"): "a code of 64 characters, or nothing",
    ("dailies/api/sora1/errors.py", "FlatError.__init__"): _OWN,
    ("dailies/protocols/sora1/ids.py", "_encode"): _OWN,
    ("dailies/routing/choose.py", "_draw"): _OWN,
    ("dailies/protocols/deployments.py", "_object"): _NUMBERS,
    ("dailies/providers/azure_lifecycle.py", "AzureLifecycle.read"): _OPERATORS,
    ("dailies/providers/azure_lifecycle.py", "_day"): _AZURE,
    ("dailies/providers/azure_lifecycle.py", "_host"): _AZURE,
    ("dailies/stores/resends.py", "Resends.epoch"): _OWN,
    ("dailies/stores/resends.py", "_Sent.of"): _OWN,
    ("dailies/video/basics.py", "created_at"): _OWN,
    ("dailies/api/create.py", "retry_count"): "digits, three at most",
    ("dailies/announce/batches.py", "batch_event"): _NUMBERS,
    ("dailies/protocols/batch/check.py", "KeptShot.load"): _OWN,
    ("dailies/protocols/batch/making.py", "_named"): _NUMBERS,
    ("dailies/protocols/batch/objects.py", "batch_object"): _NUMBERS,
    ("dailies/protocols/batch/starting.py", "_created_at"): _OWN,
    ("dailies/stores/batches.py", "_is_same"): _OWN,
    ("dailies/stores/batches.py", "_shot_of"): _OWN,
    ("dailies/api/characters.py", "_character"): _NUMBERS,
    ("dailies/protocols/openai/objects.py", "video_object"): _NUMBERS,
    ("dailies/protocols/sora1/objects.py", "_generations"): _NUMBERS,
    ("dailies/protocols/sora1/objects.py", "job_object"): _NUMBERS,
    ("dailies/api/retrieve.py", "poll_after"): _NUMBERS,
    ("dailies/announce/events.py", "_data"): _NUMBERS,
    ("dailies/pipeline/archive.py", "_pause"): _NUMBERS,
    ("dailies/pipeline/judge.py", "_again"): _NUMBERS,
    ("dailies/footage/probing.py", "length_of"): _NUMBERS,
    ("dailies/footage/probing.py", "probe"): _NUMBERS,
    ("dailies/footage/stills.py", "_pictures"): _NUMBERS,
    ("dailies/protocols/drop/accept.py", "_decide"): _NUMBERS,
    ("dailies/stores/drops.py", "DropStore.open_drops"): _OWN,
    ("dailies/stores/drops.py", "blob_state"): "what storage says of a blob",
    ("dailies/pipeline/polling.py", "estimated_total"): _NUMBERS,
    ("dailies/providers/azure_auth.py", "Tokens.__init__"): _NUMBERS,
    ("dailies/providers/azure_auth.py", "Tokens._keep"): _NUMBERS,
    ("dailies/inputs/decoding.py", "_reduced"): _NUMBERS,
    ("dailies/stores/files.py", "FileStore.describe"): _NUMBERS,
    ("dailies/video/basics.py", "first_id"): _NUMBERS,
    ("dailies/video/basics.py", "new_id"): _NUMBERS,
    ("orchestrations/drained/repeat_step.py", "_ask_quota"): _NUMBERS,
    ("orchestrations/drained/repeat_step.py", "_stand_in_line"): _NUMBERS,
    ("orchestrations/generate_video.py", "_Life._ask"): _NUMBERS,
    ("dailies/routing/forecast.py", "_remaining"): _NUMBERS,
    ("dailies/net/addresses.py", "resolve_host"): "what the system's resolver gives",
    (
        "dailies/inputs/decoding.py",
        "_HeicPicture.__init__",
    ): "a decoder, in a thread of its own",
    (
        "dailies/providers/google_auth.py",
        "FederatedCredential._exchange",
    ): "google-auth's, in a thread of its own",
    (
        "dailies/providers/luma_dream_machine.py",
        "DreamMachine.find_submitted.<locals>.page_request",
    ): _OWN,
    ("dailies/net/downloads.py", "Downloads._checked"): "a link of limited length",
    ("dailies/providers/map_check.py", "_Schema.__init__"): _OPERATORS,
    ("dailies/providers/mapping.py", "read_schema"): _OPERATORS,
    ("dailies/providers/mapping.py", "linked_result"): _OWN,
    ("dailies/providers/signed_key.py", "SignedKeyAuth._token"): _OPERATORS,
    ("dailies/providers/replicate.py", "_check"): _OPERATORS,
    ("dailies/providers/registry.py", "Providers._build"): _OWN,
    ("dailies/protocols/keys.py", "key_object"): _NUMBERS,
    ("dailies/protocols/keys.py", "_secret"): _NUMBERS,
    ("dailies/protocols/keys.py", "_whole"): _NUMBERS,
    ("dailies/stores/rates.py", "RateStore.take"): _NUMBERS,
    ("dailies/announce/budgets.py", "budget_event"): _NUMBERS,
    ("dailies/api/admin/videos.py", "search_videos"): "the name of a function, not a search",
    ("dailies/api/events.py", "_Teller._format"): _NUMBERS,
    ("dailies/owners/budget.py", "Period.renewal_of"): _OWN,
    ("dailies/owners/budget.py", "over_budget"): _NUMBERS,
    ("dailies/owners/spend.py", "correction_of"): _NUMBERS,
    ("dailies/owners/spend.py", "entry_of"): _NUMBERS,
    ("dailies/protocols/budgets.py", "_standing"): _NUMBERS,
    ("dailies/protocols/overview.py", "OverviewVideo.of"): _NUMBERS,
    ("dailies/stores/drops.py", "DropStore._rejections"): _OWN,
    ("dailies/stores/spend.py", "_counted"): _OWN,
    ("dailies/stores/tallies.py", "TallyRow.of"): _OWN,
    ("dailies/stores/tallies.py", "ends"): _OWN,
    ("dailies/stores/tallies.py", "whole_months"): _OWN,
    ("dailies/stores/rates.py", "RateStore._take_share"): _OWN,
    ("dailies/net/fetching.py", "ReferenceFetcher._read"): "digits, which have a row here",
}
