"""``dailies drop``: put an image where a video is made of it."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import Annotated

import typer
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient, ContentSettings

from dailies_cli.commands.options import pairs
from dailies_cli.display import console, text
from dailies_cli.failures import Failure
from dailies_cli.place import Place, find_place

__all__ = ["drop"]

_CONTAINER = "references"


def drop(
    image: Annotated[Path, typer.Argument(help="A picture of any shape.")],
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", help="Else a sidecar or _defaults.json there says it."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Its name there, folders and all; the file's if not given.")
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", "-f", help="As seconds=8. Again for more.")
    ] = None,
) -> None:
    """Drop an image into the container that videos are made from."""
    # Metadata holds ASCII only, and a prompt may hold anything.
    metadata = pairs(field or [])
    if prompt is not None:
        metadata["prompt_b64"] = base64.b64encode(prompt.encode()).decode()
    blob = name or image.name
    try:
        data = image.read_bytes()
    except OSError as error:
        raise Failure(f"Can't read {image}: {error.strerror}.") from None
    try:
        with _container(find_place()) as container:
            container.upload_blob(
                blob,
                data,
                overwrite=True,
                metadata=metadata,
                content_settings=ContentSettings(content_type=mimetypes.guess_type(blob)[0]),
            )
    except (AzureError, ValueError) as error:
        raise Failure(f"Can't store {blob}: {error}") from None
    console.print(f"{_CONTAINER}/{text(blob)}", soft_wrap=True)


def _container(place: Place) -> ContainerClient:
    """The container, signed in as the Azure CLI is, unless the address brings a token itself."""
    where = place.references
    if where is None:
        raise Failure(
            "Where are images dropped? Set DAILIES_REFERENCES to the container's address, as "
            "https://ACCOUNT.blob.core.windows.net/references (you are signed in by `az login`)."
        )
    if "://" not in where.partition(";")[0]:
        return ContainerClient.from_connection_string(where, _CONTAINER)
    if "?" in where:
        return ContainerClient.from_container_url(where)
    return ContainerClient.from_container_url(where, credential=DefaultAzureCredential())
