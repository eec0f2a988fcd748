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


async def check_blobs(services: Services, check: Check) -> None:
    """Note each blob that is not there as a fault of the line that named it first.

    Raises:
        azure.core.exceptions.AzureError: storage does not answer.
    """

    async def look(name: str) -> None:
        try:
            await services.files.references.get_blob_client(name).get_blob_properties()
        except ResourceNotFoundError:
            fault = InvalidRequest(
                f"There is no blob '{name[:80]}' in the container of dropped images. Upload it "
                "first.",
                param=IMAGE_BLOB,
                code="image_missing",
            )
            check.add_fault(check.blobs[name], fault)

    await for_each(_each(check), look, at_once=_AT_ONCE)


async def _each(check: Check) -> AsyncIterator[str]:
    for name in list(check.blobs):
        yield name
        await asyncio.sleep(0)
