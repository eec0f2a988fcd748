"""``python -m local drop``: put an image into the running stack's container ``references``.

What `az storage blob upload` does, for those who don't have it.
"""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient, ContentSettings

from local.stack.errors import StackError
from local.stack.layout import StateDir
from local.stack.ready import StackInfo
from local.stack.resources import REFERENCES

__all__ = ["drop_image"]


def drop_image(
    image: Path,
    *,
    state_dir: Path,
    prompt: str | None,
    name: str | None,
    parameters: dict[str, str],
) -> str:
    """Upload ``image`` to the stack that runs on ``state_dir``.

    Args:
        prompt: None leaves it to a sidecar or to ``_defaults.json``.
        name: of the blob; the file's own when None.
        parameters: further metadata, such as ``seconds`` and ``size``.

    Returns:
        The blob's name, with its container before it.

    Raises:
        StackError: when no stack runs there, or the image can't be read or stored.
    """
    ready = StateDir(state_dir.resolve()).ready
    info = StackInfo.read(ready)
    if info is None:
        raise StackError(f"no stack runs on {ready.parent}: start one with `make start`")
    metadata = dict(parameters)
    if prompt is not None:  # metadata holds ASCII only
        metadata["prompt_b64"] = base64.b64encode(prompt.encode()).decode()
    name = name or image.name
    try:
        data = image.read_bytes()
        with BlobServiceClient.from_connection_string(info.storage_connection_string) as account:
            account.get_blob_client(REFERENCES, name).upload_blob(
                data,
                overwrite=True,
                metadata=metadata,
                content_settings=ContentSettings(content_type=mimetypes.guess_type(name)[0]),
            )
    except OSError as error:
        raise StackError(f"can't read {image}: {error.strerror}") from None
    except AzureError as error:
        raise StackError(f"can't store {name}: {error}") from error
    return f"{REFERENCES}/{name}"
