"""Claims: the proof that no upstream job serves two videos."""

from __future__ import annotations

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.stores.rows import hash_key
from dailies.stores.tables import CLAIMS, find_row

__all__ = ["ClaimStore"]


class ClaimStore:
    """Which video an upstream job belongs to."""

    def __init__(self, service: TableServiceClient) -> None:
        self._claims: TableClient = service.get_table_client(CLAIMS)

    async def claim(self, deployment: str, job_id: str, video_id: str) -> bool:
        """Claim the job for the video; False when another video has it."""
        row = {
            "PartitionKey": deployment,
            "RowKey": hash_key(job_id),
            "JobId": job_id,
            "VideoId": video_id,
        }
        try:
            await self._claims.create_entity(row)
        except ResourceExistsError:
            return await self.holder(deployment, job_id) == video_id
        return True

    async def release(self, deployment: str, job_id: str, video_id: str) -> None:
        """Give up the video's claim of a job that it does not need after all."""
        if await self.holder(deployment, job_id) == video_id:
            await self._claims.delete_entity(deployment, hash_key(job_id))

    async def holder(self, deployment: str, job_id: str) -> str | None:
        """The video that has claimed this job."""
        row = await find_row(self._claims, deployment, hash_key(job_id))
        return None if row is None else str(row["VideoId"])
