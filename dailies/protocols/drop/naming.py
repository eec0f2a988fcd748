"""Names in the references container: what a blob is, what belongs to it, and who it is.

Pure: blob names in, blob names out. Names use ``/`` between folders, have no leading ``/``, and are
case-sensitive, as Blob Storage has them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import PurePosixPath

from dailies.video.errors import DropError

__all__ = [
    "BATCH_NAMES",
    "DEFAULTS_NAME",
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "DropKind",
    "batch_prefix",
    "classify",
    "defaults_candidates",
    "error_name",
    "is_sidecar_of",
    "sidecar_candidates",
    "sidecar_prefixes",
    "unsupported",
]

DEFAULTS_NAME = "_defaults.json"
BATCH_NAMES = ("batch.jsonl", "batch.csv")
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp"),
    *(".jpe", ".jfif", ".heic", ".heif", ".avif"),
)
VIDEO_SUFFIXES = (".mp4",)
_SUFFIXES = IMAGE_SUFFIXES + VIDEO_SUFFIXES

_ERROR_SUFFIX = ".error.json"
_MOST_FOLDERS = 32
"""Storage is asked for each; a name may have hundreds."""
_JSON = ".json"
_LITTER = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})


class DropKind(StrEnum):
    """What a blob in the references container is, by its name."""

    IMAGE = "image"
    VIDEO = "video"
    SIDECAR = "sidecar"
    DEFAULTS = "defaults"
    BATCH = "batch"
    REPORT = "report"
    IGNORED = "ignored"
    UNSUPPORTED = "unsupported"

    @property
    def starts_video(self) -> bool:
        """Whether such a blob becomes a video."""
        return self in (DropKind.IMAGE, DropKind.VIDEO)


def classify(name: str, metadata: Mapping[str, str] | None = None) -> DropKind:
    """Say what a blob is.

    The suffixes of images and videos are taken in any case; ``.json`` names only in lower case,
    because they are looked up by name and blob names are case-sensitive.

    ``IGNORED`` are the things nobody means to drop: anything in or under a name that begins with a
    dot (``.DS_Store``, ``._cat.jpg``, ``.azDownload-…``), ``Thumbs.db`` and ``desktop.ini``, and
    the marker blobs of folders. ``REPORT`` is what Dailies wrote itself. An ``UNSUPPORTED`` blob is
    answered with ``unsupported(name)``.
    """
    path = PurePosixPath(name)
    if _is_folder(metadata or {}) or name.endswith("/") or path.name.lower() in _LITTER:
        return DropKind.IGNORED
    if any(part.startswith(".") for part in path.parts):
        return DropKind.IGNORED
    if path.name == DEFAULTS_NAME:
        return DropKind.DEFAULTS
    if path.name in BATCH_NAMES:
        return DropKind.BATCH
    if name.endswith(_ERROR_SUFFIX):
        return DropKind.REPORT
    if name.endswith(_JSON):
        return DropKind.SIDECAR
    if name.lower().endswith(IMAGE_SUFFIXES):
        return DropKind.IMAGE
    if name.lower().endswith(VIDEO_SUFFIXES):
        return DropKind.VIDEO
    return DropKind.UNSUPPORTED


def batch_prefix(image: str) -> str:
    """With what the names of all batches begin that an image may belong to: those in its folder."""
    folder = image.rpartition("/")[0]
    return f"{folder}/batch." if folder else "batch."


def _is_folder(metadata: Mapping[str, str]) -> bool:
    # what storage with a hierarchical namespace, and tools that imitate it, set on a folder's blob
    return any(
        key.lower() == "hdi_isfolder" and value.strip().lower() == "true"
        for key, value in metadata.items()
    )


def unsupported(name: str) -> DropError:
    """The answer to a blob of kind ``UNSUPPORTED``."""
    if name.lower().endswith(_JSON):
        remedy = "Write .json in lower case, so that the file is found."
    elif name.rpartition("/")[2].lower() in BATCH_NAMES:
        remedy = f"A batch is named {' or '.join(sorted(BATCH_NAMES))}, in lower case."
    else:
        remedy = (
            "Upload a JPEG, PNG, WebP, HEIC, AVIF or MP4 whose name ends in "
            f"{', '.join(_SUFFIXES)}."
        )
    return DropError(
        f"A file of this kind can't start a video. {remedy}",
        code="unsupported_image_type",
        where=name,
    )


def sidecar_candidates(image: str) -> tuple[str, ...]:
    """Where the sidecar of an image may be, in the order in which to look.

    ``a/cat.png`` has ``a/cat.png.json``, else ``a/cat.json``; each in every spelling that reads the
    same.
    """
    names = [image + _JSON]
    of_stem = _stem(image) + _JSON
    if not (of_stem.endswith(_ERROR_SUFFIX) or of_stem.split("/")[-1] == DEFAULTS_NAME):
        names.append(of_stem)
    return _spellings(names)


def is_sidecar_of(sidecar: str, image: str) -> bool:
    """Whether a blob is an image or a video and the other may be its sidecar."""
    return classify(image).starts_video and _composed(sidecar) in map(
        _composed, sidecar_candidates(image)
    )


def sidecar_prefixes(sidecar: str) -> tuple[str, ...]:
    """With what the names of all images begin that a sidecar may belong to.

    List by each and filter with ``is_sidecar_of``: that finds the image in any spelling.
    """
    return _spellings([sidecar.removesuffix(_JSON)])


def defaults_candidates(image: str) -> tuple[str, ...]:
    """Where defaults for an image may be, from its own folder up to the container's root; of very
    many folders, the nearest."""
    *folders, _ = image.split("/")
    depths = range(len(folders), max(-1, len(folders) - _MOST_FOLDERS), -1)
    return _spellings("/".join((*folders[:depth], DEFAULTS_NAME)) for depth in depths)


def _spellings(names: Iterable[str]) -> tuple[str, ...]:
    """The names in the order given, each as it is, then composed and decomposed.

    macOS takes letters with accents apart, most other tools write them in one piece: two names that
    nobody can tell apart by looking at them.
    """
    return tuple(
        dict.fromkeys(
            spelling
            for name in names
            for spelling in (name, _composed(name), unicodedata.normalize("NFD", name))
        )
    )


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def error_name(name: str) -> str:
    """The name of the report on a blob that was rejected."""
    return name + _ERROR_SUFFIX


def _stem(image: str) -> str:
    lowered = image.lower()
    suffix = next((suffix for suffix in _SUFFIXES if lowered.endswith(suffix)), "")
    return image[: len(image) - len(suffix)]
