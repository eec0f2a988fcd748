"""What is written down of the work on an upload: that it began, how it ended, what was answered.

An upload is named by its blob and the ETag that is its key.
"""

from __future__ import annotations

from dailies.services import Services
from dailies.stores.drops import RejectedDrop
from dailies.stores.uploads import BlobHistory, BlobState, Upload, UploadState

__all__ = ["answered", "begin", "came_back"]


async def begin(services: Services, name: str, key: str, blob: BlobState) -> Upload | None:
    """Note that work on the upload begins; None when ``blob``, which is there now, is another."""
    now = services.clock()
    history = await services.drops.update(name, lambda known: _begun(known, key, blob, now))
    upload = history.find(key)
    return upload if upload is not None and upload.has(blob.etag) else None


def _begun(history: BlobHistory, key: str, blob: BlobState, now: float) -> BlobHistory:
    history = history.claimed(key, blob, now)
    upload = history.find(key)
    if upload is None or upload.state is UploadState.ACCEPTED or not upload.has(blob.etag):
        return history
    return history.changed(upload.model_copy(update={"begun": upload.begun + 1}))


async def came_back(services: Services, name: str, key: str, *, fault: bool = False) -> int:
    """Note that the work has ended by itself; gives how often it has failed by now."""

    def change(upload: Upload) -> Upload:
        return upload.model_copy(update={"begun": 0, "faults": upload.faults + fault})

    history = await services.drops.update(name, lambda known: known.with_upload(key, change))
    upload = history.find(key)
    return 0 if upload is None else upload.faults


async def answered(
    services: Services, name: str, key: str, *, video_id: str | None = None, code: str | None = None
) -> None:
    """Note that it became a video, or else that it was rejected, with the code of the reason.

    What became a video stays so, whatever is said later.
    """
    state = UploadState.REJECTED if video_id is None else UploadState.ACCEPTED

    def change(upload: Upload) -> Upload:
        if upload.state is UploadState.ACCEPTED:
            return upload
        return upload.model_copy(
            update={"state": state, "video_id": video_id, "code": code, "begun": 0}
        )

    history = await services.drops.update(name, lambda known: known.with_upload(key, change))
    upload = history.find(key)
    if upload is not None and upload.state is UploadState.REJECTED:
        rejected = RejectedDrop(name, upload.code or "", services.clock())
        await services.drops.note_rejection(rejected)
    elif any(earlier.state is UploadState.REJECTED for earlier in history.uploads):
        await services.drops.forget_rejection(name)
    await services.drops.close(name, key)
