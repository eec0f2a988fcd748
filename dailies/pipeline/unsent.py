"""The ends of a video that was not sent, or of which nobody can say whether it was."""

from __future__ import annotations

from dailies.engine import Step
from dailies.pipeline.told import stop_for_operator
from dailies.services import Services
from dailies.video.basics import VideoError
from dailies.video.record import VideoRecord

__all__ = ["deployment_removed", "no_slot", "nothing_left", "unresolved"]


def no_slot(services: Services, record: VideoRecord) -> Step:
    """The provider took no request for as long as a video may wait."""
    hours = services.settings.submit_deadline_seconds / 3600
    return stop_for_operator(
        record,
        VideoError(
            "submit_timeout",
            f"The provider took no request for {hours:.3g} hours. Nothing was made. Create the "
            "video again when fewer are waiting.",
        ),
        remedy="Ask the provider for more quota, or raise DAILIES_SUBMIT_DEADLINE_SECONDS.",
    )


def nothing_left(record: VideoRecord) -> Step:
    """No deployment serves the request, or all that did are retired."""
    if record.submit.retired:
        return stop_for_operator(
            record,
            VideoError(
                "model_retired",
                f"The provider has retired the model behind '{record.request.model}', and nothing "
                "here serves in its place. Use another model.",
            ),
            remedy="Add a deployment or a fallback to models.yaml, or take the model out.",
        )
    return stop_for_operator(
        record,
        VideoError(
            "model_unavailable",
            f"The model '{record.request.model}' is not offered at this size and length any more. "
            "Use another size, length or model.",
        ),
        remedy="No deployment in models.yaml serves the request that was accepted before.",
    )


def unresolved(record: VideoRecord, why: str) -> Step:
    """Nobody can say whether the provider took the request, and it is not sent again."""
    return stop_for_operator(
        record,
        VideoError(
            "submit_unresolved",
            f"The provider did not say whether it took the request, and {why}. Nothing was sent "
            "again: no video is paid twice. Create the video again if it may be paid twice.",
        ),
        remedy="Look for the job at the provider. Whether a request of which no job was found is "
        "sent again is DAILIES_UNRESOLVED_SUBMIT.",
    )


def deployment_removed(record: VideoRecord) -> Step:
    """Its deployment left the catalogue while a request to it was under way."""
    return stop_for_operator(
        record,
        VideoError(
            "deployment_removed",
            "The place where the video was being ordered is not offered any more, so nobody can "
            "say whether it was made. Create it again, with another model.",
        ),
        remedy="Put the deployment back into the catalogue, or look for the job at the provider.",
    )
