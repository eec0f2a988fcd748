"""Whether the blobs that a batch names are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from azure.core.exceptions import ResourceNotFoundError

from dailies.pipeline.crowd import for_each
from dailies.protocols.batch.check import Check
from dailies.protocols.batch.shots import IMAGE_BLOB
from dailies.services import Services
from dailies.video.errors import InvalidRequest

__all__ = ["check_blobs"]

_AT_ONCE = 16
_MOST_LOOKS = 50


async def check_blobs(services: Services, check: Check) -> None:
    """Note each blob that is not there as a fault of the line that named it first.

    Raises:
        azure.core.exceptions.AzureError: storage does not answer.
    """

    if check.folder is not None and len(check.blobs) > _MOST_LOOKS:
        # Of one folder, its list says more than a question for each.
        listed = services.files.references.list_blob_names(name_starts_with=check.folder)
        there = {name async for name in listed}
        for name in check.blobs.keys() - there:
            _missing(check, name)
        return

    async def look(name: str) -> None:
        try:
            await services.files.references.get_blob_client(name).get_blob_properties()
        except ResourceNotFoundError:
            _missing(check, name)

    await for_each(_each(check), look, at_once=_AT_ONCE)


def _missing(check: Check, name: str) -> None:
    fault = InvalidRequest(
        f"There is no blob '{name[:80]}' in the container of dropped images. Upload it first.",
        param=IMAGE_BLOB,
        code="image_missing",
    )
    check.add_fault(check.blobs[name], fault)


async def _each(check: Check) -> AsyncIterator[str]:
    for name in list(check.blobs):
        yield name
        await asyncio.sleep(0)
