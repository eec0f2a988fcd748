"""Names of dropped files, what belongs together, and what is answered."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.protocols.drop.naming import (
    DropKind,
    classify,
    defaults_candidates,
    error_name,
    is_sidecar_of,
    sidecar_candidates,
    sidecar_prefixes,
    unsupported,
)
from dailies.protocols.drop.reports import error_report
from dailies.stores.uploads import idempotency_key, instance_id
from dailies.video.errors import DropError

IMAGE = "shots/cat.png"
segments = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")

names = st.lists(segments, min_size=1, max_size=4).map("/".join)


# -- names


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cat.png", DropKind.IMAGE),
        ("a/b c/Katze ü.JPeG", DropKind.IMAGE),
        ("cat.webp", DropKind.IMAGE),
        ("cat.error.png", DropKind.IMAGE),
        ("cat.png.json", DropKind.SIDECAR),
        ("a/cat.json", DropKind.SIDECAR),
        ("_defaults.json", DropKind.DEFAULTS),
        ("a/_defaults.json", DropKind.DEFAULTS),
        ("cat.png.error.json", DropKind.REPORT),
        ("notes.txt.error.json", DropKind.REPORT),
        (".DS_Store", DropKind.IGNORED),
        ("a/._cat.png", DropKind.IGNORED),
        (".cache/cat.png", DropKind.IGNORED),
        ("a/Thumbs.db", DropKind.IGNORED),
        ("a/", DropKind.IGNORED),
        ("cat.gif", DropKind.UNSUPPORTED),
        ("cat", DropKind.UNSUPPORTED),
        ("cat.JSON", DropKind.UNSUPPORTED),
        ("png", DropKind.UNSUPPORTED),
    ],
)
def test_a_blob_is_known_by_its_name(name: str, kind: DropKind) -> None:
    assert classify(name) is kind


def test_the_marker_of_a_folder_is_ignored() -> None:
    assert classify("a/cats", {"Hdi_IsFolder": "true"}) is DropKind.IGNORED


def test_our_own_report_never_starts_another() -> None:
    for name in ("cat.png", "notes.txt", "cat.JSON"):
        assert classify(error_name(name)) is DropKind.REPORT


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("cat.png", ("cat.png.json", "cat.json")),
        ("a/b/cat.v2.JPEG", ("a/b/cat.v2.JPEG.json", "a/b/cat.v2.json")),
        ("cat.error.png", ("cat.error.png.json",)),
        ("a/_defaults.png", ("a/_defaults.png.json",)),
    ],
)
def test_a_sidecar_is_looked_for_under_two_names(image: str, expected: tuple[str, ...]) -> None:
    assert sidecar_candidates(image) == expected


@given(stem=names, suffix=st.sampled_from([".jpg", ".PNG", ".WebP", ".jpeg"]))
def test_whatever_an_image_looks_for_is_found_from_the_other_side(stem: str, suffix: str) -> None:
    image = stem + suffix
    if classify(image) is DropKind.IMAGE:
        for name in sidecar_candidates(image):
            assert classify(name) is DropKind.SIDECAR
            assert is_sidecar_of(name, image)
            # A name in neither form is found by the image's own look alone.
            if any(unicodedata.is_normalized(form, image) for form in FORMS):
                assert image.startswith(sidecar_prefixes(name))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_names_that_read_the_same_are_one_pair(form: Form, other: Form) -> None:
    image = unicodedata.normalize(form, "Über/Käfer.png")
    for name in ("Über/Käfer.png.json", "Über/Käfer.json"):
        sidecar = unicodedata.normalize(other, name)
        assert sidecar in sidecar_candidates(image)
        assert is_sidecar_of(sidecar, image)
        assert image.startswith(sidecar_prefixes(sidecar))
    defaults = unicodedata.normalize(other, "Über/_defaults.json")
    assert defaults in defaults_candidates(image)


def test_a_sidecar_of_another_image_is_none_of_this_one() -> None:
    assert not is_sidecar_of("cat.json", "cats.png")
    assert not is_sidecar_of("cat.png.json", "cat.jpg")
    assert not is_sidecar_of("a/cat.json", "cat.png")
    assert not is_sidecar_of("cat.json", "cat.txt")


def test_a_name_of_very_many_folders_does_not_cost_as_many_lookups() -> None:
    name = "a/" * 500 + "cat.png"
    assert len(defaults_candidates(name)) == 32
    assert defaults_candidates(name)[0] == "a/" * 500 + "_defaults.json"


def test_defaults_are_looked_for_up_to_the_root() -> None:
    assert defaults_candidates("a/b/cat.png") == (
        "a/b/_defaults.json",
        "a/_defaults.json",
        "_defaults.json",
    )
    assert defaults_candidates("cat.png") == ("_defaults.json",)


# -- identity


def test_the_same_upload_has_the_same_key_however_its_etag_is_written() -> None:
    keys = {
        idempotency_key("references", IMAGE, etag)
        for etag in ("0x8DC1", '"0x8DC1"', 'W/"0x8DC1"', ' "0x8DC1" ')
    }
    assert len(keys) == 1


def test_another_upload_has_another_key_and_instance() -> None:
    uploads = [
        ("references", "a", "1"),
        ("references", "a", "2"),
        ("references", "b", "1"),
        ("other", "a", "1"),
        ("references", "a#1", "1"),
    ]
    assert len({idempotency_key(*upload) for upload in uploads}) == len(uploads)
    assert len({instance_id(*upload) for upload in uploads}) == len(uploads)


@given(name=names)
def test_an_instance_id_is_short_and_safe_for_any_name(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_]{1,100}", instance_id("references", name, "0x8DC1"))


# -- answers


def test_a_rejection_can_be_read_by_people_and_programs() -> None:
    error = DropError("Größe? Save it anew.", code="invalid_image", where=IMAGE)
    report = error_report(error, blob=IMAGE, etag="0x8DC1", time="2026-11-21T05:00:00Z")
    assert json.loads(report) == {
        "error": {"code": "invalid_image", "message": "Größe? Save it anew.", "where": IMAGE},
        "blob": IMAGE,
        "etag": "0x8DC1",
        "time": "2026-11-21T05:00:00Z",
    }
    assert "Größe".encode() in report


def test_files_of_other_kinds_are_answered_with_what_to_do() -> None:
    error = unsupported("notes.txt")
    assert (error.code, error.where) == ("unsupported_image_type", "notes.txt")
    assert ".jpg, .jpeg, .png, .webp" in error.message
    assert "lower case" in unsupported("cat.JSON").message


@pytest.mark.parametrize("name", ["clip.mp4", "a/CLIP.MP4"])
def test_a_clip_starts_a_video_and_may_have_a_sidecar(name: str) -> None:
    kind = classify(name)
    assert kind is DropKind.VIDEO
    assert kind.starts_video
    stem = name.rpartition(".")[0]
    assert sidecar_candidates(name) == (f"{name}.json", f"{stem}.json")
    assert is_sidecar_of(f"{stem}.json", name)
