"""What exists in the storage account before the app runs.

In Azure, infrastructure as code makes these; the app itself never does.
"""

from __future__ import annotations

from collections.abc import Iterable

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

__all__ = ["CONTAINERS", "REFERENCES", "TABLES", "VIDEOS", "ensure"]

VIDEOS = "videos"
REFERENCES = "references"
CONTAINERS = (VIDEOS, REFERENCES)
TABLES = ("videos", "openvideos", "claims", "drops", "deployments", "keys", "webhooks", "batches")


async def ensure(connection: str, containers: Iterable[str] = CONTAINERS) -> None:
    """Create the containers and tables that are missing.

    Args:
        connection: the connection string of the account.
        containers: their names, where a user chose others.

    Raises:
        azure.core.exceptions.AzureError: when the account can't be reached.
    """
    async with BlobServiceClient.from_connection_string(connection) as blobs:
        for name in containers:
            try:
                await blobs.create_container(name)
            except ResourceExistsError:
                continue
    async with TableServiceClient.from_connection_string(connection) as tables:
        for name in TABLES:
            await tables.create_table_if_not_exists(name)
