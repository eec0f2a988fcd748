"""Where the parameters of a dropped file come from, and what is wrong with them."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dailies.protocols.drop.merging import MAX_FILE_BYTES, DropParameters, ParameterFile, parameters
from dailies.protocols.drop.reports import error_report
from dailies.protocols.wish import Wish
from dailies.video.basics import Priority, Size
from dailies.video.errors import DropError
from dailies.video.framing import CropBounds, FitMode
from dailies.video.request import Webhook

IMAGE = "shots/cat.png"


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


def test_a_sidecar_may_tell_end_users_apart() -> None:
    told = parameters(IMAGE, {"prompt": "a cat"}, sidecar(safety_identifier="u-7"))
    assert told.wish.safety_identifier == "u-7"
    long = refusal({"prompt": "a cat"}, sidecar(safety_identifier="u" * 65))
    assert "safety_identifier" in long.where


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
            assert result.wish.prompt == result.prompt


def test_everything_that_is_asked_for_is_wished_for() -> None:
    asked = {
        "prompt": "a",
        "model": "sora",
        "seconds": "8",
        "size": "1280x720",
        "fit": "contain",
        "user": "ada",
        "safety_identifier": "u-7",
        "n_variants": "2",
        "frame_index": "3",
        "crop_bounds": '{"left_fraction": 0.5}',
        "seed": "7",
        "negative_prompt": "rain",
        "generate_audio": "True",
        "provider_options": '{"alpha": {"x": 1}}',
        "priority": "High",
        "expires_after": "600",
        "webhook_url": "https://hooks.example/a",
        "webhook_events": "dailies.video.failed, dailies.video.completed",
    }
    assert asked.keys() == DropParameters.model_fields.keys()
    assert parameters(IMAGE, asked).wish == Wish(
        prompt="a",
        model="sora",
        seconds=8,
        size=Size(1280, 720),
        fit=FitMode.CONTAIN,
        user="ada",
        safety_identifier="u-7",
        n_variants=2,
        frame_index=3,
        crop=CropBounds(left=0.5),
        seed=7,
        negative_prompt="rain",
        sound=True,
        provider_options={"alpha": {"x": 1}},
        priority=Priority.HIGH,
        expires_after=600,
        webhook=Webhook(
            url="https://hooks.example/a",
            events=("dailies.video.completed", "dailies.video.failed"),
        ),
    )
    assert parameters(IMAGE, {"prompt": "a"}).wish == Wish("a", fit=FitMode.COVER)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("seed", "-1", "an integer"),
        ("seed", 2**32, "from 0 to 4294967295"),
        ("generate_audio", "loud", "a boolean"),
        ("negative_prompt", 7, "a string"),
        ("provider_options", "{", "no JSON"),
        ("provider_options", [1], "an object"),
        ("priority", "urgent", "low"),
        ("expires_after", 0, "seconds from 1 to"),
        ("webhook_url", ["https://hooks.example"], "a string"),
        ("webhook_events", "dailies.video.rejected", "dailies.video.completed"),
        ("webhook_events", [], "dailies.video.completed"),
    ],
)
def test_wishes_that_are_none_name_their_place(field: str, value: object, why: str) -> None:
    error = refusal({"prompt": "a"}, sidecar(**{field: value}))
    assert (error.code, error.where) == ("invalid_parameters", f"shots/cat.json: {field}")
    assert why in error.message


def test_a_prompt_does_not_show_in_logs() -> None:
    wishes = {"prompt": "a", "negative_prompt": "private", "provider_options": '{"a": "private"}'}
    assert "private" not in repr(parameters(IMAGE, wishes))
    assert "private" not in repr(parameters(IMAGE, {"prompt": "private"}))
    assert "private" not in repr(sidecar(prompt="private"))
    assert "private" not in str(refusal({}, sidecar(prompt="private" * 10_000)))


def test_frame_crop_and_variants_in_metadata_and_sidecars() -> None:
    sidecar = ParameterFile("clip.json", b'{"prompt": "p", "n_variants": 2, "frame_index": 12}')
    metadata = {"crop_bounds": '{"left_fraction": 0.25, "right_fraction": 0.75}'}
    found = parameters("clip.mp4", metadata, sidecar)
    assert (found.n_variants, found.frame_index) == (2, 12)
    assert found.crop_bounds is not None
    assert (found.crop_bounds.left, found.crop_bounds.right) == (0.25, 0.75)
    assert found.wish.crop == CropBounds(0.25, 0, 0.75, 1)


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


@pytest.mark.parametrize("nothing", [b"", b" \n\t"])
def test_an_empty_file_says_nothing(nothing: bytes) -> None:
    empty = ParameterFile("_defaults.json", nothing)
    result = parameters(IMAGE, {"prompt": "a cat"}, sidecar(seconds=8), empty)
    assert (result.prompt, result.seconds) == ("a cat", 8)


def test_a_prompt_that_was_to_be_in_an_empty_file_is_asked_for_there() -> None:
    error = refusal({}, b"", ParameterFile("_defaults.json", b""))
    assert error.code == "missing_prompt"
    assert "Nothing is in shots/cat.json and _defaults.json" in error.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("K%C3%A4tzchen%20l%C3%A4uft", "Kätzchen läuft"),
        ("a%20cat%2C%20100%25%20real", "a cat, 100% real"),
        ("%E7%8C%AB", "猫"),
        # Not surely encoded: an encoder would have left no space, and no % but its own.
        ("a cat, 50%20 off", "a cat, 50%20 off"),
        ("100%", "100%"),
        ("50%-off", "50%-off"),
        ("%zz%20", "%zz%20"),
        ("%FF%FE", "%FF%FE"),
        ("kitten", "kitten"),
    ],
)
def test_metadata_that_was_surely_percent_encoded_is_decoded(written: str, meant: str) -> None:
    assert parameters(IMAGE, {"prompt": written}).prompt == meant


_SIGNED = "https://hooks.example/run?sp=%2Ftriggers%2Frun&sig=a%2Bb%2F%3D"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (_SIGNED, _SIGNED),
        (_SIGNED.replace("%", "%25"), _SIGNED),
        (quote(_SIGNED, safe=""), _SIGNED),
        ("https%3A%2F%2Fhooks.example%2Fa", "https://hooks.example/a"),
        ("https://hooks.example/caf%C3%A9", "https://hooks.example/caf%C3%A9"),
    ],
)
def test_an_address_keeps_the_escapes_that_are_its_own(written: str, meant: str) -> None:
    webhook = parameters(IMAGE, {"prompt": "a cat", "webhook_url": written}).wish.webhook
    assert webhook is not None
    assert webhook.url == meant


def test_files_are_never_percent_decoded() -> None:
    assert parameters(IMAGE, {}, sidecar(prompt="a%20cat")).prompt == "a%20cat"
