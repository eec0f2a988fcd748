"""The files that are made: their tracks, lengths, pictures and sound."""

from __future__ import annotations

import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops

from local.services.media.clip import UnreadableClipError, probe_clip
from local.services.media.encode import EncodingCancelledError, MediaFiles, encode
from local.services.media.picture import from_rgb, to_rgb
from local.services.media.spec import Crop, Input, VideoSpec
from local.services.media.tone import SAMPLE_RATE, chord

SMALL = VideoSpec("sora", "a small cat", 480, 480, 1, sound=False, still="JPEG")


def make(
    spec: VideoSpec, directory: Path, find: Callable[[str], Path] = Path
) -> tuple[MediaFiles, list[Image.Image]]:
    """Encode, and decode all frames."""
    stem = directory / spec.key
    files = MediaFiles(
        stem.with_suffix(".mp4"), stem.with_suffix(".thumbnail"), stem.with_suffix(".jpg")
    )
    encode(spec, files, find, lambda: False)
    with av.open(str(files.video), "r") as container:
        frames = [decoded(frame) for frame in container.decode(video=0)]
    return files, frames


def decoded(frame: av.VideoFrame) -> Image.Image:
    """A frame as PyAV converts it, so not by the code under test."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # so in PyAV's stubs
    return image


def worst_difference(one: Image.Image, other: Image.Image) -> float:
    """The largest mean difference of a channel, from 0 to 255."""
    bands = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).split()
    return max(
        sum(value * count for value, count in enumerate(band.histogram()))
        / (band.width * band.height)
        for band in bands
    )


def test_a_silent_video_has_one_track_and_its_stills(tmp_path: Path) -> None:
    files, frames = make(SMALL, tmp_path)
    assert len(frames) == 30
    with av.open(str(files.video), "r") as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert container.duration == 1_000_000
    with Image.open(files.thumbnail) as thumbnail, Image.open(files.spritesheet) as sheet:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (480, 480))
        assert (sheet.format, sheet.size) == ("JPEG", (4 * 320, 3 * 320))
    assert len(list(tmp_path.iterdir())) == 3


def test_a_few_frames_stand_at_their_times_in_a_video_of_the_same_length(tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    Image.new("RGB", (480, 480), (200, 40, 40)).save(source)
    spec = replace(SMALL, seconds=4, sound=True, inputs=(Input("image", str(source), 47),))
    whole, frames = make(spec, tmp_path)
    few = MediaFiles(tmp_path / "few.mp4", tmp_path / "few.thumbnail", tmp_path / "few.jpg")
    encode(spec, few, Path, lambda: False, few_frames=True)
    assert few.video.stat().st_size < whole.video.stat().st_size / 1.5
    with av.open(str(few.video)) as container, av.open(str(whole.video)) as other:
        assert container.duration == other.duration == 4_000_000
        shown = {round((frame.time or 0) * 30): frame for frame in container.decode(video=0)}
        assert {0, 47, 60, 119} < shown.keys()
        assert len(shown) < 20
        for number, frame in shown.items():
            assert worst_difference(decoded(frame), frames[number]) < 6, number
    for one, all_of_them in (
        (few.thumbnail, whole.thumbnail),
        (few.spritesheet, whole.spritesheet),
    ):
        with Image.open(one) as still, Image.open(all_of_them) as expected:
            assert still.size == expected.size
            assert worst_difference(still, expected) < 2


def test_the_picture_moves_and_depends_on_the_prompt(tmp_path: Path) -> None:
    _, frames = make(SMALL, tmp_path)
    other = VideoSpec("sora", "a large dog", 480, 480, 1, sound=False)
    _, others = make(other, tmp_path)
    assert worst_difference(frames[0], frames[-1]) > 1
    assert worst_difference(frames[0], others[0]) > 5


@pytest.mark.parametrize("size", [(480, 854), (854, 480), (1080, 1080)])
def test_every_width_is_written_right(size: tuple[int, int]) -> None:
    image = Image.linear_gradient("L").resize(size)
    colours = Image.merge("RGB", (image, image.rotate(180), Image.new("L", size, 99)))
    assert worst_difference(to_rgb(from_rgb(colours)), colours) < 2


def test_an_image_stands_at_its_frame_with_its_crop(tmp_path: Path) -> None:
    halves = Image.new("RGB", (960, 480), (200, 60, 40))
    halves.paste((30, 90, 180), (480, 0, 960, 480))
    path = tmp_path / "halves.png"
    halves.save(path)
    right = Input("image", str(path), frame_index=20, crop=Crop(left=0.5))
    spec = VideoSpec("sora", "x", 480, 480, 1, sound=False, inputs=(right,))
    _, frames = make(spec, tmp_path)
    blue = Image.new("RGB", (480, 480), (30, 90, 180))
    assert worst_difference(frames[20], blue) < 3
    assert worst_difference(frames[0], blue) > 10


def test_a_video_is_continued_from_its_frames(tmp_path: Path) -> None:
    source, source_frames = make(SMALL, tmp_path)
    longer = VideoSpec(
        "sora", "and on", 480, 480, 2, sound=False, inputs=(Input("video", str(source.video)),)
    )
    _, frames = make(longer, tmp_path)
    assert len(frames) == 60
    for number in (0, 15, 29):
        assert worst_difference(frames[number], source_frames[number]) < 4
    assert worst_difference(frames[59], source_frames[0]) > 1


def test_what_is_no_video_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"<html>" * 100)
    with pytest.raises(UnreadableClipError, match="not a readable MP4"):
        probe_clip(path)


def test_a_cancelled_encoding_leaves_nothing(tmp_path: Path) -> None:
    files = MediaFiles(tmp_path / "v.mp4", tmp_path / "t.webp", tmp_path / "s.jpg")
    answers = iter([False, False, True])
    with pytest.raises(EncodingCancelledError):
        encode(SMALL, files, Path, lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


def test_a_very_long_prompt_still_fits(tmp_path: Path) -> None:
    for caption in ("word " * 6000, "x" * 32_000, "", "\n"):
        make(VideoSpec("sora", caption, 480, 480, 1, sound=False), tmp_path)


def test_low_quality_is_the_same_picture_in_fewer_bytes(tmp_path: Path) -> None:
    low = VideoSpec("sora", "a small cat", 480, 480, 1, sound=False, low_quality=True)
    high_files, high = make(SMALL, tmp_path)
    low_files, frames = make(low, tmp_path)
    assert low_files.video.stat().st_size < high_files.video.stat().st_size
    assert worst_difference(high[10], frames[10]) < 5


def test_the_chord_is_as_long_as_asked_and_fades(tmp_path: Path) -> None:
    samples = array.array("h", chord(2.5, seed=7))
    assert len(samples) == 2.5 * SAMPLE_RATE
    assert samples[0] == samples[-1] == 0
    assert max(samples) > 2000
    assert max(map(abs, samples[:100])) < 100
