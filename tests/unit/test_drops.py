from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.drops import (
    MAX_FILE_BYTES,
    DropKind,
    DropParameters,
    ParameterFile,
    classify,
    defaults_candidates,
    error_name,
    error_report,
    idempotency_key,
    image_candidates,
    instance_id,
    is_sidecar_of,
    parameters,
    sidecar_candidates,
    sidecar_prefix,
    unsupported,
    unusable,
)
from dailies.errors import DropError, UnusableReference
from dailies.references.geometry import FitMode
from dailies.videos import Size

IMAGE = "shots/cat.png"
segments = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
names = st.lists(segments, min_size=1, max_size=4).map("/".join)


def sidecar(**values: Any) -> ParameterFile:
    return ParameterFile("shots/cat.json", json.dumps(values).encode())


def defaults(**values: Any) -> ParameterFile:
    return ParameterFile("_defaults.json", json.dumps(values).encode())


def refusal(
    metadata: dict[str, str] | None = None,
    file: ParameterFile | bytes | None = None,
    fallback: ParameterFile | None = None,
) -> DropError:
    if isinstance(file, bytes):
        file = ParameterFile("shots/cat.json", file)
    with pytest.raises(DropError) as caught:
        parameters(IMAGE, metadata or {}, file, fallback)
    return caught.value


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


def test_an_image_is_looked_for_from_its_sidecar() -> None:
    assert image_candidates("a/cat.png.json")[0] == "a/cat.png"
    assert image_candidates("a/cat.json")[:4] == (
        "a/cat.jpg",
        "a/cat.jpeg",
        "a/cat.png",
        "a/cat.webp",
    )
    assert "a/cat.JPG" in image_candidates("a/cat.json")
    assert image_candidates("_defaults.json") == ()


@given(stem=names, suffix=st.sampled_from([".jpg", ".PNG", ".WebP", ".jpeg"]))
def test_whatever_an_image_looks_for_is_found_from_the_other_side(stem: str, suffix: str) -> None:
    image = stem + suffix
    if classify(image) is DropKind.IMAGE:
        for name in sidecar_candidates(image):
            assert classify(name) is DropKind.SIDECAR
            assert is_sidecar_of(name, image)
            assert image.startswith(sidecar_prefix(name))


def test_a_sidecar_of_another_image_is_none_of_this_one() -> None:
    assert not is_sidecar_of("cat.json", "cats.png")
    assert not is_sidecar_of("cat.png.json", "cat.jpg")
    assert not is_sidecar_of("a/cat.json", "cat.png")
    assert not is_sidecar_of("cat.json", "cat.txt")


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


# -- parameters


def test_every_field_comes_from_the_first_place_that_sets_it() -> None:
    result = parameters(
        IMAGE,
        {"prompt": "a cat walks"},
        sidecar(prompt="not this", seconds=8, fit="contain"),
        defaults(prompt="nor this", seconds="12", size="1280x720", model="sora-2-pro", user="ann"),
    )
    assert result == DropParameters(
        prompt="a cat walks",
        model="sora-2-pro",
        seconds=8,
        size=Size(1280, 720),
        fit=FitMode.CONTAIN,
        user="ann",
    )


def test_a_prompt_is_all_that_is_needed() -> None:
    result = parameters(IMAGE, {"prompt": "a cat"})
    assert (result.model, result.seconds, result.size, result.user) == (None, None, None, None)
    assert result.fit is FitMode.COVER


def test_metadata_keys_are_taken_in_any_case_and_foreign_ones_left_alone() -> None:
    metadata = {"Prompt": "a cat", "SECONDS": "8", "uploaded_by": "some tool", "model": " "}
    result = parameters(IMAGE, metadata, None, defaults(model="sora-2"))
    assert (result.prompt, result.seconds, result.model) == ("a cat", 8, "sora-2")


def test_a_prompt_beyond_ascii_travels_as_base64() -> None:
    encoded = base64.b64encode("eine Katze läuft 🐈".encode()).decode()
    assert parameters(IMAGE, {"prompt_b64": encoded}).prompt == "eine Katze läuft 🐈"


@pytest.mark.parametrize("encoded", ["w6k", "/w==", "é", "not base64"])
def test_a_prompt_that_is_no_base64_is_refused(encoded: str) -> None:
    error = refusal({"prompt_b64": encoded})
    assert error.where == f"metadata of {IMAGE}: prompt_b64"
    assert "base64" in error.message


def test_two_prompts_in_metadata_are_refused() -> None:
    assert "not both" in refusal({"prompt": "a", "prompt_b64": "YQ=="}).message


def test_null_and_auto_take_nothing_from_below_or_take_it_back() -> None:
    below = defaults(size="1280x720", seconds=8)
    result = parameters(IMAGE, {"prompt": "a"}, sidecar(size="auto", seconds=None), below)
    assert (result.size, result.seconds) == (None, 8)


def test_without_any_prompt_it_says_where_to_put_one() -> None:
    error = refusal({}, None, defaults(seconds=8))
    assert error.code == "missing_prompt"
    assert error.where == IMAGE
    assert "shots/cat.png.json" in error.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_what_editors_write_is_read(encoding: str) -> None:
    file = ParameterFile("cat.json", '{"prompt": "für 🐈"}'.encode(encoding))
    assert parameters(IMAGE, {}, file).prompt == "für 🐈"


def test_a_misspelt_key_is_refused_with_the_right_one() -> None:
    error = refusal({"prompt": "a"}, sidecar(secnods=8))
    assert error.code == "invalid_parameters"
    assert error.where == "shots/cat.json: secnods"
    assert "'seconds'" in error.message
    assert "did you mean" not in refusal({}, sidecar(xyz=1)).message.lower()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prompt", 5),
        ("prompt", "  "),
        ("prompt", "x" * 32_001),
        ("prompt", "\ud800"),
        ("model", ["sora-2"]),
        ("seconds", True),
        ("seconds", 8.5),
        ("seconds", "eight"),
        ("seconds", 0),
        ("seconds", "-4"),
        ("seconds", "9" * 5000),
        ("size", 720),
        ("size", "720"),
        ("size", "0x720"),
        ("size", "9" * 5000 + "x1"),
        ("fit", "crop"),
        ("user", {}),
    ],
)
def test_a_wrong_value_is_refused_with_file_and_field(key: str, value: object) -> None:
    error = refusal({} if key == "prompt" else {"prompt": "a"}, sidecar(**{key: value}))
    assert error.code == "invalid_parameters"
    assert error.where == f"shots/cat.json: {key}"
    assert len(error.message) < 300


def test_a_wrong_value_names_the_place_that_it_came_from() -> None:
    assert refusal({"prompt": "a", "fit": "x"}).where == f"metadata of {IMAGE}: fit"
    assert refusal({"prompt": "a"}, sidecar(), defaults(fit="x")).where == "_defaults.json: fit"


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b'{"prompt": "a",\n "seconds" 8}', ": line 2, column 12", "':'"),
        (b"", ": line 1, column 1", "JSON"),
        (b"prompt: a cat", ": line 1, column 1", "JSON"),
        (b'{"prompt": NaN}', "", "NaN"),
        (b'{"prompt": "a", "prompt": "b"}', "", "twice"),
        (b'["a"]', "", "object"),
        (b'"a"', "", "object"),
        (b"\xff\xfe\xff", "", "UTF-8"),
        (b'{"prompt": "caf\xe9"}', "", "UTF-8"),
        (b"[" * 60_000, "", "JSON"),
        (b'{"seconds": ' + b"9" * 5000 + b"}", "", "JSON"),
        (b" " * (MAX_FILE_BYTES + 1), "", "65,536"),
    ],
)
def test_a_file_that_is_no_json_is_refused_with_the_place(
    data: bytes, place: str, words: str
) -> None:
    error = refusal({"prompt": "a"}, data)
    assert error.code == "invalid_parameters"
    assert error.where == f"shots/cat.json{place}"
    assert words in error.message


def outcome(metadata: dict[str, str], file: ParameterFile) -> DropParameters | DropError:
    try:
        return parameters(IMAGE, metadata, file)
    except DropError as error:
        return error


anything = st.text(st.characters(exclude_categories=[])) | st.integers() | st.none() | st.booleans()
keys = st.sampled_from(["prompt", "seconds", "size", "fit", "prompt_b64"]) | st.text(
    st.characters(exclude_categories=[])
)


@given(data=st.binary(max_size=80) | st.text().map(str.encode))
def test_no_file_raises_anything_else(data: bytes) -> None:
    assert outcome({"prompt": "a"}, ParameterFile("cat.json", data))


@given(values=st.dictionaries(keys, anything, max_size=4))
def test_no_values_raise_anything_else(values: dict[str, Any]) -> None:
    metadata = {key: str(value) for key, value in values.items()}
    for result in (outcome(metadata, sidecar()), outcome({"prompt": "a"}, sidecar(**values))):
        if isinstance(result, DropError):
            assert error_report(result, blob=IMAGE, etag="1", time="")
        else:
            assert DropParameters.model_validate_json(result.model_dump_json()) == result


def test_parameters_survive_the_way_through_json() -> None:
    original = parameters(IMAGE, {"prompt": "a", "size": "1280x720", "seconds": "8"})
    text = original.model_dump_json()
    assert json.loads(text)["size"] == "1280x720"
    assert DropParameters.model_validate_json(text) == original
    without_size = parameters(IMAGE, {"prompt": "a"})
    assert DropParameters.model_validate_json(without_size.model_dump_json()) == without_size


def test_a_prompt_does_not_show_in_logs() -> None:
    assert "private" not in repr(parameters(IMAGE, {"prompt": "private"}))
    assert "private" not in repr(sidecar(prompt="private"))
    assert "private" not in str(refusal({}, sidecar(prompt="private" * 10_000)))


# -- answers


def test_a_rejection_can_be_read_by_people_and_programs() -> None:
    error = unusable(IMAGE, UnusableReference("Größe? Save it anew.", code="invalid_image"))
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


def test_frame_crop_and_variants_in_metadata_and_sidecars() -> None:
    sidecar = ParameterFile("clip.json", b'{"prompt": "p", "n_variants": 2, "frame_index": 12}')
    metadata = {"crop_bounds": '{"left_fraction": 0.25, "right_fraction": 0.75}'}
    found = parameters("clip.mp4", metadata, sidecar)
    assert (found.n_variants, found.frame_index) == (2, 12)
    assert found.crop_bounds is not None
    assert (found.crop_bounds.left, found.crop_bounds.right) == (0.25, 0.75)
    assert found.model_dump(mode="json")["crop_bounds"] == {
        "left_fraction": 0.25,
        "top_fraction": 0.0,
        "right_fraction": 0.75,
        "bottom_fraction": 1.0,
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("crop_bounds", {"left_fraction": 0.9, "right_fraction": 0.1}),
        ("crop_bounds", "none"),
        ("frame_index", -1),
        ("n_variants", 0),
    ],
)
def test_a_frame_or_crop_that_makes_no_sense(key: str, value: object) -> None:
    sidecar = ParameterFile("clip.json", json.dumps({"prompt": "p", key: value}).encode())
    with pytest.raises(DropError) as caught:
        parameters("clip.mp4", {}, sidecar)
    assert caught.value.code == "invalid_parameters"
    assert key in caught.value.where
