"""Snippets of other people's documentation, and what is changed in them to run here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Places", "Snippet", "load"]

_FOLDER = Path(__file__).parent / "snippets"
_BLOCK = re.compile(
    r"^## (?P<title>.+?)\n(?:.(?!^## ))*?^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_VIDEO_IN_PYTHON = re.compile(
    r'"(?:video_1234567890|video_456|video_[0-9a-f]{40,}|your_video_id_here|<previous_video_id>)"'
)
_VIDEO_IN_CURL = re.compile(r"(?<=/videos/)(?:\{video_id\}|video_id)")
# LiteLLM's pages for OpenAI name no endpoint: `api_base` is where it goes, of each call.
_LITELLM_CALL = re.compile(r"\b(a?video_(?:generation|status|content|list|remix)\()")
_ENDPOINTS = (
    "https://YOUR-RESOURCE-NAME.openai.azure.com",
    "https://your-resource.openai.azure.com",
    "http://localhost:4000",
    "http://0.0.0.0:4000",
)
_KEYS = ("sk-1234", "sk-..", "your-azure-api-key", "your-api-key")
_IMAGES = ("/path/to/your/image.jpg", "path/to/image.jpg", "test.png")
_IMAGE_URL = "https://path-to-your-file/image_file_name.jpg"


@dataclass(frozen=True)
class Places:
    """What stands in a snippet for the reader's own: endpoint, key, a finished video, files."""

    endpoint: str
    key: str
    video: str
    image: Path
    image_url: str


@dataclass(frozen=True)
class Snippet:
    """One block of code: ``python`` or ``bash``."""

    page: str
    title: str
    language: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.page}: {self.title}"

    @property
    def needs_litellm(self) -> bool:
        return self.language == "python" and "litellm" in self.code.replace("LiteLLM", "")

    def at(self, places: Places) -> str:
        """The code with endpoint, key, file names and ids changed, and nothing else."""
        code = self.code.replace(_IMAGE_URL, places.image_url)
        for endpoint in _ENDPOINTS:
            code = code.replace(endpoint, places.endpoint)
        for key in _KEYS:
            code = code.replace(key, places.key)
        for image in _IMAGES:
            code = code.replace(f'"{image}"', f'"{places.image}"')
        if self.language == "bash":
            return _VIDEO_IN_CURL.sub(places.video, code)
        if self.needs_litellm and "azure/" not in code:
            code = _LITELLM_CALL.sub(rf'\1api_base="{places.endpoint}/v1", ', code)
        return _VIDEO_IN_PYTHON.sub(f'"{places.video}"', code)


def load() -> list[Snippet]:
    """All of them, in the order of their pages."""
    return [
        Snippet(page.stem, match["title"], match["language"], match["code"])
        for page in sorted(_FOLDER.glob("*.md"))
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]
