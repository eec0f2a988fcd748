"""What the app counts and measures. Units are UCUM's, as OpenTelemetry writes them.

Each thing is counted by whoever brought it about, not by whoever finds it done, since activities
run at least once; a process that dies in between may leave one uncounted. The records are the
truth, these are for charts and alarms.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.metrics import Counter, Histogram, Meter

from dailies.telemetry.providers import meter
from dailies.video.basics import Variant

if TYPE_CHECKING:  # the quota entity, which counts too, needs no record
    from dailies.owners.deliveries import Delivery
    from dailies.video.record import StoredFile, VideoRecord

__all__ = [
    "file_archived",
    "put_off",
    "render_detected",
    "video_ended",
    "video_submitted",
    "webhook_attempted",
]


# Seconds. A video takes one to ten minutes, and up to a day while a quota is short.
_LONG = (15, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600, 14_400, 86_400)
# Seconds. What is looked for is "within seconds".
_SHORT = (0.5, 1, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300)


@dataclass(frozen=True, slots=True)
class _Instruments:
    videos: Counter
    duration: Histogram
    cost: Counter
    queue: Histogram
    lag: Histogram
    quota_wait: Histogram
    archived: Counter
    webhooks: Counter


@functools.lru_cache(maxsize=1)
def _made_by(source: Meter) -> _Instruments:
    def seconds(name: str, text: str, bounds: tuple[float, ...]) -> Histogram:
        return source.create_histogram(
            name, "s", text, explicit_bucket_boundaries_advisory=list(bounds)
        )

    return _Instruments(
        videos=source.create_counter("dailies.videos", "{video}", "Videos that have ended."),
        duration=seconds("dailies.video.duration", "From accepted to ended.", _LONG),
        cost=source.create_counter("dailies.cost", "{USD}", "What ended videos have cost."),
        queue=seconds("dailies.queue.duration", "From accepted to the provider's job.", _LONG),
        lag=seconds("dailies.detection.lag", "From rendered to noticed.", _SHORT),
        quota_wait=seconds("dailies.quota.wait", "Waits that a quota asked for.", _LONG),
        archived=source.create_counter("dailies.archived", "By", "Bytes stored in files."),
        webhooks=source.create_counter(
            "dailies.webhook.attempts", "{attempt}", "Attempts to tell a webhook of an event."
        ),
    )


def video_ended(record: VideoRecord) -> None:
    """Count a video by model and outcome, with its time and its cost."""
    made = _made_by(meter())
    about = {
        "dailies.model": record.request.model,
        "dailies.outcome": record.phase.outcome,
    }
    code = {} if record.error is None else {"error.type": record.error.code}
    made.videos.add(1, {**about, **code})
    if record.completed_at is not None:
        made.duration.record(max(0.0, record.completed_at - record.created_at), about)
    if record.cost_usd:
        made.cost.add(
            record.cost_usd, {**about, "dailies.cost.is_estimate": record.cost_is_estimate}
        )


def video_submitted(record: VideoRecord) -> None:
    """A provider has taken the video: how long it stood in queues."""
    if record.submit.submitted_at is not None:
        waited = max(0.0, record.submit.submitted_at - record.created_at)
        about = {
            "dailies.model": record.request.model,
            "dailies.deployment": record.submit.deployment or "",
        }
        _made_by(meter()).queue.record(waited, about)


def render_detected(record: VideoRecord, seconds: float) -> None:
    """A finished render was noticed, so long after the provider had finished it.

    Clocks differ and providers tell whole seconds: below zero counts as zero.
    """
    about = {"dailies.deployment": record.submit.deployment or ""}
    _made_by(meter()).lag.record(max(0.0, seconds), about)


def put_off(deployment: str, seconds: float, *, by: str) -> None:
    """A request has to wait for a quota: ours (``own``) or the provider's answer (``provider``)."""
    about = {"dailies.deployment": deployment, "dailies.quota": by}
    _made_by(meter()).quota_wait.record(seconds, about)


def file_archived(record: VideoRecord, variant: Variant, file: StoredFile) -> None:
    """A file was stored."""
    about = {"dailies.model": record.request.model, "dailies.variant": variant.value}
    _made_by(meter()).archived.add(file.bytes, about)


def webhook_attempted(delivery: Delivery) -> None:
    """A webhook was told of an event, or was not; ``pending`` is one that is tried again."""
    about = {"dailies.event": delivery.type, "dailies.outcome": delivery.state.value}
    _made_by(meter()).webhooks.add(1, about)
