"""Azure OpenAI's Sora 2, which speaks OpenAI's videos protocol: see ``openai_videos``.

Sources: Microsoft's Sora 2 pages, recorded answers of Azure.
"""

from __future__ import annotations

from dailies.providers.azure import azure_provider
from dailies.providers.openai_videos import OpenAIVideos, VideosOptions
from dailies.providers.wire import Wire

__all__ = ["PROVIDER", "AzureSora2"]

_DIALECT = VideosOptions(path="/openai/v1/videos", idempotency_key=False)


class AzureSora2(OpenAIVideos):
    """One deployment, as a ``VideoProvider`` that finds jobs and keeps characters."""

    redirects = False

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire, _DIALECT)


PROVIDER = azure_provider("azure-sora-2", AzureSora2)
