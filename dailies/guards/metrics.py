"""What is counted of guards. Units are UCUM's, as OpenTelemetry writes them."""

from __future__ import annotations

import functools

from opentelemetry.metrics import Counter, Histogram, Meter

from dailies.telemetry.providers import meter

__all__ = ["asked", "judged"]

# Seconds; what a guard may take is limited to a minute.
_BOUNDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60)


@functools.lru_cache(maxsize=1)
def _made_by(source: Meter) -> tuple[Counter, Histogram]:
    return (
        source.create_counter("dailies.guard.verdicts", "{verdict}", "What guards have said."),
        source.create_histogram(
            "dailies.guard.duration",
            "s",
            "How long all guards together took for a verdict.",
            explicit_bucket_boundaries_advisory=list(_BOUNDS),
        ),
    )


def judged(guard: str, verdict: str, stage: str, category: str | None) -> None:
    """A guard has said something, or could not.

    Args:
        verdict: ``passed``, ``refused`` or ``unsaid``.
        stage: ``request`` or ``video``.
        category: of a refusal.
    """
    about = {"dailies.guard": guard, "dailies.guard.verdict": verdict, "dailies.guard.stage": stage}
    if category is not None:
        about["dailies.guard.category"] = category
    verdicts, _ = _made_by(meter())
    verdicts.add(1, about)


def asked(seconds: float, stage: str) -> None:
    """All guards were asked, and took so long."""
    _, durations = _made_by(meter())
    durations.record(seconds, {"dailies.guard.stage": stage})
