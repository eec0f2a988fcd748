"""What is sent to the provider for a video: its record, with the files that go along."""

from __future__ import annotations

from dailies.catalogue import Deployment
from dailies.catalogue.rules import Sound
from dailies.providers.base import InputFile, Reference, SourceFile, Submission
from dailies.services import Services
from dailies.video.record import VideoRecord
from dailies.video.request import Input, Role, StoredFile, VideoRequest

__all__ = ["callback_url", "lacks_images", "submission_of"]

# A PNG of the largest size that any model takes is far below this.
_MAX_FITTED_BYTES = 64 * 1024**2


async def submission_of(
    services: Services, record: VideoRecord, deployment: Deployment
) -> Submission:
    """Everything that the provider is to be told; also what a lost job is looked for by."""
    request = record.request
    return Submission(
        deployment=deployment.deployment,
        prompt=request.prompt,
        seconds=request.seconds,
        size=request.size,
        operation=request.operation,
        reference=await _reference(services, request),
        source_job_id=request.source_job_id,
        source_file=await _source_file(services, request),
        n_variants=request.n_variants,
        video_id=record.id,
        callback_url=callback_url(services, record, deployment),
        last_frame=await _last_frame(services, request),
        references=tuple(
            [
                image
                for item in request.inputs_of(Role.REFERENCE)
                if (image := await _image(services, request, item)) is not None
            ]
        ),
        seed=request.seed,
        negative_prompt=request.negative_prompt,
        # Where there is no choice, a model may not know the word.
        sound=request.sound if deployment.sound is Sound.CHOSEN else None,
        safety_identifier=request.safety_identifier if deployment.takes_safety_identifier else None,
        options=request.provider_options.get(deployment.provider, {}),
        inputs=tuple(
            _input(services, item, item.file)
            for item in request.inputs_of(Role.FRAME)
            if item.file is not None
        ),
    )


def lacks_images(request: VideoRequest, submission: Submission) -> bool:
    """Whether an image that the video is to be made of is gone from storage."""
    return (
        (request.first_frame is not None and submission.reference is None)
        or (bool(request.inputs_of(Role.LAST)) and submission.last_frame is None)
        or len(request.inputs_of(Role.REFERENCE)) > len(submission.references)
    )


def callback_url(services: Services, record: VideoRecord, deployment: Deployment) -> str | None:
    """The address of this video alone that the provider may call; None where it calls nobody, or
    can't reach the app."""
    base, token = services.settings.callback_base, record.submit.callback_token
    if base is None or token is None or not services.providers.calls_back(deployment):
        return None
    return f"{base}/callbacks/{deployment.provider}/{token}"


async def _reference(services: Services, request: VideoRequest) -> Reference | None:
    """The first frame, once it is fitted."""
    first = request.first_frame
    return None if first is None else await _image(services, request, first)


async def _last_frame(services: Services, request: VideoRequest) -> Reference | None:
    last = next(iter(request.inputs_of(Role.LAST)), None)
    return None if last is None else await _image(services, request, last)


async def _image(services: Services, request: VideoRequest, item: Input) -> Reference | None:
    """An image once it is prepared; None while it is not, and when it is gone."""
    if item.file is None or not item.prepared:
        return None
    data = await services.files.read(item.file.blob, max_bytes=_MAX_FITTED_BYTES)
    return None if data is None else Reference(data, item.file.content_type, request.size)


def _input(services: Services, item: Input, file: StoredFile) -> InputFile:
    return InputFile(
        file.bytes,
        file.content_type,
        lambda: services.files.stream(file.blob),
        type=item.type.value,
        frame_index=item.frame_index,
        crop=item.crop,
    )


async def _source_file(services: Services, request: VideoRequest) -> SourceFile | None:
    """Our stored file, where the provider has no copy of the source any more."""
    name = request.source_file.blob if request.source_file is not None else None
    # It may have been deleted since.
    file = None if name is None else await services.files.describe(name)
    if name is None or file is None:
        return None
    return SourceFile(file.bytes, file.content_type, lambda: services.files.stream(name))
