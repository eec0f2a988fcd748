"""Claims: the proof that no upstream job serves two videos."""

from __future__ import annotations

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableClient, TableServiceClient

from dailies.catalogue import Deployment
from dailies.stores.rows import hash_key
from dailies.stores.tables import CLAIMS, find_row

__all__ = ["ClaimStore"]


class ClaimStore:
    """Which video an upstream job belongs to.

    A job is known by its provider's endpoint and its id there: several deployments of one endpoint
    see the same jobs. Until 2026-11 rows were by deployment; those are read still.
    """

    def __init__(self, service: TableServiceClient) -> None:
        self._claims: TableClient = service.get_table_client(CLAIMS)

    async def claim(self, deployment: Deployment, job_id: str, video_id: str) -> bool:
        """Claim the job for the video; False when another video has it."""
        if await self._older(deployment, job_id) not in (None, video_id):
            return False
        row = {
            "PartitionKey": _place(deployment),
            "RowKey": hash_key(job_id),
            "JobId": job_id,
            "VideoId": video_id,
        }
        try:
            await self._claims.create_entity(row)
        except ResourceExistsError:
            return await self.holder(deployment, job_id) == video_id
        return True

    async def release(self, deployment: Deployment, job_id: str, video_id: str) -> None:
        """Give up the video's claim of a job that it does not need after all."""
        for place in (_place(deployment), deployment.name):
            if await self._holder(place, job_id) == video_id:
                await self._claims.delete_entity(place, hash_key(job_id))

    async def holder(self, deployment: Deployment, job_id: str) -> str | None:
        """The video that has claimed this job."""
        found = await self._holder(_place(deployment), job_id)
        return found or await self._older(deployment, job_id)

    async def _older(self, deployment: Deployment, job_id: str) -> str | None:
        return await self._holder(deployment.name, job_id)

    async def _holder(self, place: str, job_id: str) -> str | None:
        row = await find_row(self._claims, place, hash_key(job_id))
        return None if row is None else str(row["VideoId"])


def _place(deployment: Deployment) -> str:
    return f"at {hash_key((deployment.endpoint or deployment.name).rstrip('/'))}"
