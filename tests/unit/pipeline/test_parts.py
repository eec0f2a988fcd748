"""The files that a job leaves, by generation."""

from __future__ import annotations

from dailies.catalogue import Catalogue
from dailies.pipeline.parts import Part, is_stored, part_name, parts_of, with_part
from dailies.video.basics import Size, Variant, new_id
from dailies.video.record import GeneratedVideo, StoredFile, VideoRecord, VideoRequest

ID = new_id(1_780_000_000)
DEPLOYMENT = Catalogue.parse(
    """
default_model: sora
models:
  sora:
    deployments:
      - name: jobs
        provider: azure-sora-1
        endpoint: https://jobs.example
        deployment: sora
        sizes: [480x480]
        seconds: [5]
        variants: [video, thumbnail]
        n_variants: {default: 4}
        prices: null
""",
    {},
).deployments[0]


def record(*generations: str) -> VideoRecord:
    return VideoRecord(
        id=ID,
        owner="alice",
        created_at=1_780_000_000,
        request=VideoRequest(model="sora", prompt="p", seconds=5, size=Size(480, 480)),
        generations=tuple(GeneratedVideo(id=name) for name in generations),
    )


def file(name: str) -> StoredFile:
    return StoredFile(blob=name, content_type="video/mp4", bytes=1, sha256="0", etag="e")


def names(video: VideoRecord) -> list[str]:
    media = {Variant.VIDEO: "video/mp4", Variant.THUMBNAIL: "image/jpeg"}
    parts = parts_of(video, "task_1", DEPLOYMENT)
    return [part_name(video, part, media[part.variant]) for part in parts]


def test_one_video_has_plain_names_whatever_made_it() -> None:
    for video in (record(), record("gen_1")):
        assert names(video) == [f"{ID}/video.mp4", f"{ID}/thumbnail.jpg"]
    assert [part.source_id for part in parts_of(record(), "task_1", DEPLOYMENT)] == ["task_1"] * 2


def test_several_videos_are_numbered_and_come_before_their_pictures() -> None:
    video = record("gen_1", "gen_2")
    assert names(video) == [
        f"{ID}/video-1.mp4",
        f"{ID}/video-2.mp4",
        f"{ID}/thumbnail-1.jpg",
        f"{ID}/thumbnail-2.jpg",
    ]


def test_the_first_generation_s_files_are_the_video_s_own() -> None:
    video = record("gen_1", "gen_2")
    second = Part("gen_2", Variant.VIDEO, 1)
    video = with_part(video, second, file("b"))
    assert is_stored(video, second)
    assert video.files == {}
    video = with_part(video, Part("gen_1", Variant.VIDEO, 0), file("a"))
    assert video.files == {Variant.VIDEO: file("a")}
    assert video.all_files == {"video": file("a"), "video-1": file("a"), "video-2": file("b")}
