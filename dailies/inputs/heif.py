"""The header of a HEIC or AVIF: what phones take their pictures in.

Format: ISO/IEC 23008-12 (HEIF), the bindings of HEVC (its annex B) and AV1 (AVIF 1.1) to it.
"""

from __future__ import annotations

from dataclasses import replace

from dailies.inputs.av1 import coded_pixels
from dailies.inputs.heif_boxes import Box, BoxError, Items
from dailies.inputs.image_info import REMEDY, ImageFormat, ImageInfo, broken
from dailies.inputs.reading import Reading
from dailies.video.errors import UnusableReference

__all__ = ["looks_like_heif", "read_heif"]

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_AVIF_BRANDS = (b"avif", b"avis")
_GENERAL_BRANDS = (b"mif1", b"msf1", b"mif2", b"miaf")
_MOST_BOXES = 64
_MOST_META_BYTES = 1024**2
# Of a viewer's orientations, those that turn by quarters against the clock, then mirror: AVIF 1.1
# and ISO/IEC 23008-12 (6.5.10, 6.5.12) order them so.
_TURNED = (1, 8, 3, 6)
_TURNED_AND_MIRRORED = ((4, 2), (5, 7), (2, 4), (7, 5))


def looks_like_heif(head: bytes) -> bool:
    """Whether a file that begins so is a picture of this family, by its major brand."""
    known = (*_HEIC_BRANDS, *_AVIF_BRANDS, *_GENERAL_BRANDS)
    return head[4:8] == b"ftyp" and head[8:12] in known


def read_heif() -> Reading[ImageInfo]:
    """Size and orientation of a HEIC or AVIF.

    Raises:
        UnusableReference: ``invalid_image`` for a header that makes no sense,
            ``unsupported_image_type`` for an animation or another coding.
    """
    head = yield (0, 16)
    format = ImageFormat.AVIF if head[8:12] in _AVIF_BRANDS else ImageFormat.HEIC
    try:
        meta, is_film = yield from _meta()
        items = Items.of(meta)
        if _coding(items) is ImageFormat.HEIC:
            info = _heic(items)
        else:
            info = yield from _avif(items, is_film or head[8:12] == b"avis")
        pieces = (piece for item in items.extents.values() for piece in item)
        end = max((offset + length for offset, length in pieces), default=0)
        return replace(info, is_whole=not end or bool((yield (end - 1, 1))))
    except BoxError as error:
        raise broken(format, str(error)) from None


def _meta() -> Reading[tuple[bytes, bool]]:
    """The content of the box ``meta``, and whether there is a film beside the picture."""
    at, meta, is_film = 0, b"", False
    for _ in range(_MOST_BOXES):
        head = yield (at, 16)
        if len(head) < 8:
            break
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        is_film = is_film or kind == b"moov"
        if kind == b"meta" and not meta:
            if not header + 4 <= size <= _MOST_META_BYTES:
                raise BoxError("its table of contents makes no sense")
            meta = yield (at + header, size - header)
        if size < header:
            break  # to the end of the file, or no box
        at += size
    if not meta:
        raise BoxError("it has no table of contents, so it is probably incomplete")
    return meta, is_film


def _coding(items: Items) -> ImageFormat:
    kinds = {box.kind for box in items.properties}
    if b"hvcC" in kinds:
        return ImageFormat.HEIC
    if b"av1C" in kinds:
        return ImageFormat.AVIF
    raise UnusableReference(
        f"The file is a HEIF picture whose pixels are coded neither as HEIC nor as AVIF. {REMEDY}.",
        code="unsupported_image_type",
    )


def _heic(items: Items) -> ImageInfo:
    """The decoder cuts, turns and mirrors it by itself, and does not ask Exif."""
    coded = width, height = _size(items)
    said = {box.kind: box.content for box in items.properties_of(items.primary)}
    if b"clap" in said:
        width, height = _cut(said[b"clap"], coded)
    pixels = max(1, width * height)
    if said.get(b"irot", b"\0")[:1] in (b"\1", b"\3"):
        width, height = height, width
    return ImageInfo(
        ImageFormat.HEIC,
        width,
        height,
        bytes_per_pixel=_heic_memory(items) * coded[0] * coded[1] / pixels,
        is_cut=b"clap" in said,
    )


def _cut(clap: bytes, coded: tuple[int, int]) -> tuple[int, int]:
    """What is left of a picture: encoders fill sides up to whole blocks, and cut that off again.

    ``clap`` (ISO/IEC 14496-12, 12.1.4) begins with width and height, as fractions.
    """
    numbers = [int.from_bytes(clap[at : at + 4], "big") for at in range(0, 16, 4)]
    if len(clap) < 16 or not (numbers[1] and numbers[3]):
        raise BoxError("what is cut off makes no sense")
    return min(coded[0], numbers[0] // numbers[1]), min(coded[1], numbers[2] // numbers[3])


def _avif(items: Items, is_film: bool) -> Reading[ImageInfo]:
    """The decoder leaves turning to us, and does not ask Exif either."""
    if is_film:
        raise UnusableReference(
            f"The file is an animated AVIF picture. {REMEDY}.", code="unsupported_image_type"
        )
    width, height = _size(items)
    said = {box.kind: box.content for box in items.properties_of(items.primary)}
    # What the coded pictures themselves say is what a decoder makes room for.
    coded = yield from coded_pixels(items)
    samples = max(_av1_samples(box) for box in items.properties if box.kind == b"av1C")
    return ImageInfo(
        ImageFormat.AVIF,
        width,
        height,
        _turned(said),
        bytes_per_pixel=_AVIF_PIXEL_BYTES + samples * coded / max(1, width * height),
    )


def _size(items: Items) -> tuple[int, int]:
    for box in items.properties_of(items.primary):
        if box.kind == b"ispe" and len(box.content) >= 12:
            return int.from_bytes(box.content[4:8], "big"), int.from_bytes(box.content[8:12], "big")
    raise BoxError("it does not say how large it is")


def _turned(said: dict[bytes, bytes]) -> int:
    quarters = (said.get(b"irot") or b"\0")[0] & 3
    if b"imir" not in said:
        return _TURNED[quarters]
    return _TURNED_AND_MIRRORED[quarters][(said[b"imir"] or b"\0")[0] & 1]


# Measured, in bytes for each pixel, beside the samples as they are coded.
_HEIC_PIXEL_BYTES = 3.5
_HEIC_CONVERTED_BYTES = 7.0  # of all but the common kind: it becomes RGB in more steps
_HEIC_ALPHA_BYTES = 3.0
_AVIF_PIXEL_BYTES = 8.0
_SAMPLES = {0: 1.0, 1: 1.5, 2: 2.0, 3: 3.0}
"""For each pixel, by the chroma format (ISO/IEC 23008-2, table 6-1)."""


def _heic_memory(items: Items) -> float:
    memory = max(_hevc_memory(box) for box in items.properties if box.kind == b"hvcC")
    return memory + (_HEIC_ALPHA_BYTES if _has_alpha(items) else 0)


def _has_alpha(items: Items) -> bool:
    return any(box.kind == b"auxC" and b"alpha" in box.content[:64] for box in items.properties)


def _hevc_memory(config: Box) -> float:
    """Of ``hvcC`` (ISO/IEC 14496-15, 8.3.3.1): byte 16 has the chroma format, 17 the depth."""
    if len(config.content) < 18:
        raise BoxError("its coding makes no sense")
    chroma, extra_depth = config.content[16] & 3, config.content[17] & 7
    is_common = chroma == 1 and not extra_depth
    samples = _SAMPLES[chroma] * (2 if extra_depth else 1)
    return samples + (_HEIC_PIXEL_BYTES if is_common else _HEIC_CONVERTED_BYTES)


def _av1_samples(config: Box) -> float:
    """Bytes of the samples of each pixel, by ``av1C`` (AV1 in ISOBMFF, 2.3.3): its third byte has
    flags for a high depth, for one colour only, and for subsampling across and down."""
    if len(config.content) < 4:
        raise BoxError("its coding makes no sense")
    flags = config.content[2]
    samples = 1.0 if flags & 0x10 else {0x0C: 1.5, 0x08: 2.0}.get(flags & 0x0C, 3.0)
    return samples * (2 if flags & 0x40 else 1)
