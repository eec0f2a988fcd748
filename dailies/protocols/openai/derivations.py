"""Videos made from a video: remixes, edits and extensions.

The provider makes them from its own copy of the source, which it keeps for about a day and only
where the source was rendered. After that a provider that takes files can be given ours; with the
others the caller is told so before anything is sent.
"""

from __future__ import annotations

from dailies.catalogue import Catalogue, Deployment
from dailies.protocols.messages import missing, unsupported
from dailies.protocols.wish import Wish
from dailies.video.basics import Operation, Status, Variant
from dailies.video.errors import Conflict, InvalidRequest
from dailies.video.record import VideoRecord
from dailies.video.request import Input, InputKind, Role, StoredFile, VideoRequest

__all__ = ["derive", "derive_again"]

_MARGIN = 300.0
"""Seconds before the provider deletes its copy from which that copy is not counted on: the request
may first have to wait for quota."""

_NAMES = {Operation.REMIX: "remixed", Operation.EDIT: "edited", Operation.EXTEND: "extended"}


def derive(
    catalogue: Catalogue,
    operation: Operation,
    wish: Wish,
    source: VideoRecord,
    *,
    param: str,
    now: float,
) -> VideoRequest:
    """The request for a video made from ``source``, by the wished ``prompt, seconds, user,
    priority, expires_after, webhook``; what it keeps of the source, ``model, size`` and
    ``seconds``, may be wished as well.

    Args:
        param: the parameter that names the source, for messages.

    Raises:
        InvalidRequest: a field is wrong, or says something else than the source that it is kept
            from; the model can't do it; or the provider's copy of the source is gone (code
            ``source_expired``).
        Conflict: the source is not completed.
    """
    deployment = _deployment(catalogue, operation, source, param)
    added = _added_seconds(wish, deployment, source) if operation is Operation.EXTEND else None
    _check_kept(catalogue, operation, wish, source.request)
    job_id, file = _origin(deployment, source, param, now)
    total = source.request.total_seconds
    return VideoRequest(
        model=source.request.model,
        prompt=wish.prompt,
        seconds=total if added is None else added,
        source_seconds=0 if added is None else total,
        size=source.request.size,
        user=wish.user,
        safety_identifier=wish.safety_identifier,
        priority=wish.priority,
        expires_after=wish.expires_after,
        webhook=wish.webhook,
        operation=operation,
        source_video_id=source.id,
        source_job_id=job_id,
        deployment=deployment.name,
        inputs=() if file is None else (Input(role=Role.SOURCE, type=InputKind.VIDEO, file=file),),
    )


def derive_again(
    catalogue: Catalogue, operation: Operation, wish: Wish, earlier: VideoRequest, source_id: str
) -> VideoRequest | None:
    """What ``derive`` gave for an ``earlier`` request, if the same is asked for again; something
    else if not. The source is not looked at: since then it may have been deleted, or the provider
    may have lost its copy.

    None where the wish has no length and needs one.

    Raises:
        InvalidRequest: the wish says something else than what is kept of the source.
    """
    seconds = wish.seconds if operation is Operation.EXTEND else earlier.seconds
    if not isinstance(seconds, int):
        return None
    _check_kept(catalogue, operation, wish, earlier)
    return earlier.model_copy(
        update={
            "prompt": wish.prompt,
            "seconds": seconds,
            "user": wish.user,
            "safety_identifier": wish.safety_identifier,
            "priority": wish.priority,
            "expires_after": wish.expires_after,
            "webhook": wish.webhook,
            "operation": operation,
            "source_video_id": source_id,
        }
    )


def _deployment(
    catalogue: Catalogue, operation: Operation, source: VideoRecord, param: str
) -> Deployment:
    if source.status is not Status.COMPLETED:
        raise Conflict(
            f"Video '{source.id}' is not completed; its status is '{source.status}'. Only a "
            f"completed video can be {_NAMES[operation]}.",
            param=param,
            code="source_not_completed",
        )
    deployment = catalogue.deployment(source.submit.deployment or "")
    if deployment is None:
        raise InvalidRequest(
            f"The deployment that made video '{source.id}' is not offered any more, and only it "
            "has the video to start from. Create a new video.",
            param=param,
            code="source_unavailable",
        )
    if operation not in deployment.operations:
        raise InvalidRequest(
            f"Videos of the model '{source.request.model}' can't be {_NAMES[operation]}.",
            param=param,
            code="unsupported_operation",
        )
    return deployment


def _check_kept(
    catalogue: Catalogue, operation: Operation, wish: Wish, request: VideoRequest
) -> None:
    """Refuse what would be ignored: a model, size or length that is not the source's."""
    kept: dict[str, object] = {"model": request.model, "size": request.size}
    given: dict[str, object] = {
        "model": catalogue.resolve(wish.model).name if wish.model else None,
        "size": wish.size,
    }
    if operation is not Operation.EXTEND:
        kept["seconds"], given["seconds"] = request.total_seconds, wish.seconds
    for name, value in kept.items():
        if given[name] not in (None, value):
            raise InvalidRequest(
                f"A video that is {_NAMES[operation]} keeps its {name}, '{value}': leave '{name}' "
                "out.",
                param=name,
                code="unsupported_parameter",
            )


def _added_seconds(wish: Wish, deployment: Deployment, source: VideoRecord) -> int:
    supported = deployment.extension_seconds or deployment.seconds
    added = wish.seconds
    if added is None:
        raise missing("seconds")
    if isinstance(added, str) or added not in supported:
        raise unsupported("seconds", added, supported)
    limit = deployment.max_extended_seconds
    total = source.request.total_seconds + added
    if limit is not None and total > limit:
        raise InvalidRequest(
            f"The video would be {total} seconds long; it can be extended to at most {limit}.",
            param="seconds",
            code="invalid_value",
        )
    return added


def _origin(
    deployment: Deployment, source: VideoRecord, param: str, now: float
) -> tuple[str | None, StoredFile | None]:
    """What the provider starts from: its own job, else our file."""
    expires = source.upstream_expires_at
    if source.submit.job_id is not None and (expires is None or now < expires - _MARGIN):
        return source.submit.job_id, None
    file = source.files.get(Variant.VIDEO)
    if deployment.takes_video_files and file is not None:
        return None, file
    raise InvalidRequest(
        f"The provider no longer has its copy of video '{source.id}', which it keeps for about a "
        "day, and it takes no file in its place. Create the video again and start from the new "
        "one; the stored video itself can still be downloaded.",
        param=param,
        code="source_expired",
    )
