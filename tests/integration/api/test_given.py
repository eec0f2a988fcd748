"""Nothing that a caller sends is dropped in silence: it is read, refused, or warned about."""

from __future__ import annotations

from typing import Any

import pytest

from dailies.api import documents
from dailies.protocols import vocabulary
from dailies.protocols.vocabulary import Vocabulary
from tests.integration.api.given import IMAGE_URL, JOBS, create, refused
from tests.integration.api.world import CLIP, World

# -- fields that were surely meant


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"duration": 12}, {"seconds": "12"}),
        ({"duration": "8s", "seconds": 8.0}, {"seconds": "8"}),
        ({"seconds": "4.0"}, {"seconds": "4"}),
        ({"width": 1280, "height": 720}, {"size": "1280x720"}),
        ({"aspect_ratio": "16:9", "resolution": "720p"}, {"size": "1280x720"}),
        ({"resolution": "720p"}, {"size": "720x1280"}),  # of the default's shape
        ({"image_url": IMAGE_URL}, {"size": "1280x720"}),
        ({"n": 1}, {}),
    ],
)
async def test_other_words_for_the_same_are_understood(
    world: World, fields: dict[str, Any], same: dict[str, str]
) -> None:
    answer = await create(world, **fields)
    assert answer.status_code == 200, answer.text
    assert answer.json().items() >= same.items()
    assert "warnings" not in answer.json()


async def test_an_image_url_is_the_reference(world: World) -> None:
    form = await world.alice.post("/v1/videos", data={"prompt": "a pier", "image_url": IMAGE_URL})
    for answer in (await create(world, image_url=IMAGE_URL), form):
        record = await world.record(answer.json()["id"])
        assert record is not None
        assert record.request.first_frame is not None


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"duration": 7}, "duration", "invalid_value"),
        ({"n_seconds": 7}, "n_seconds", "invalid_value"),
        ({"duration": 4, "seconds": "8"}, "duration", "invalid_value"),
        ({"n": 3}, "n", "invalid_value"),
        ({"width": 640, "height": 480}, "width", "invalid_value"),
        ({"width": 640}, "height", "missing_required_parameter"),
        ({"resolution": "720p", "image_url": IMAGE_URL}, "resolution", "invalid_value"),
        ({"resolution": "480p"}, "resolution", "invalid_value"),
        ({"image_url": 7}, "image_url", "invalid_type"),
        ({"image_url": "http://example.com/a.png"}, "image_url", "invalid_image_url"),
    ],
)
async def test_what_can_t_be_had_is_told_in_the_caller_s_words(
    world: World, fields: dict[str, Any], param: str, code: str
) -> None:
    error = await refused(world, **fields)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(
    "name",
    [
        "audio", "fps", "style", "quality", "characters",
        "response_format", "webhook", "callback_url",
        "image", "images", "input_image", "first_frame_image", "last_frame", "reference_images",
        "video", "video_id", "length", "aspect", "inpaint_items", "files",
        "lastFrame", "referenceImages", "previous_job_id",
    ],
)  # fmt: skip
async def test_what_nobody_takes_is_refused_with_what_to_write(world: World, name: str) -> None:
    error = await refused(world, **{name: "1"})
    assert (error["param"], error["code"]) == (name, "unsupported_parameter")
    assert error["message"].startswith(f"Unsupported parameter: '{name}'. ")
    assert len(error["message"].partition(". ")[2]) > 10


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("inputReference", "input_reference"),
        ("aspectRatio", "aspect_ratio"),
        ("frameImages", "frame_images"),
        ("negativePrompt", "negative_prompt"),
        ("Seed", "seed"),
        ("Seconds", "seconds"),
        ("input-reference", "input_reference"),
    ],
)
async def test_a_name_in_another_spelling_is_refused(world: World, name: str, meant: str) -> None:
    error = await refused(world, **{name: "4"})
    assert (error["param"], error["code"]) == (name, "unknown_parameter")
    assert f"'{meant}'" in error["message"]


@pytest.mark.parametrize("nothing", [None, ""])
async def test_what_is_left_empty_was_not_sent(world: World, nothing: object) -> None:
    answer = await create(world, seed=nothing, secnods=nothing, duration=nothing, image=nothing)
    assert answer.status_code == 200, answer.text
    assert "warnings" not in answer.json()


@pytest.mark.parametrize("is_form", [False, True])
@pytest.mark.parametrize(
    ("path", "words", "right"),
    [
        ("/v1/videos", vocabulary.CREATE, {}),
        ("/orchestrations/generate-video", vocabulary.CREATE, {}),
        ("/v1/videos", vocabulary.REMIX_BY_CREATE, {"remix_video_id": "SOURCE"}),
        ("/v1/videos/SOURCE/remix", vocabulary.REMIX, {}),
        ("/v1/videos/edits", vocabulary.EDIT, {"video": "SOURCE"}),
        ("/v1/videos/extensions", vocabulary.EXTENSION, {"video": "SOURCE", "seconds": "4"}),
        (JOBS, vocabulary.JOB, {"model": "sora"}),
    ],
)
async def test_every_field_may_be_left_empty(
    world: World, path: str, words: Vocabulary, right: dict[str, str], is_form: bool
) -> None:
    source = await world.finished()
    empty = dict.fromkeys(words.fields, "")
    fields = empty | {
        name: value.replace("SOURCE", source) for name, value in (right | {"prompt": "x"}).items()
    }
    client = world.admin if path.startswith("/orchestrations") else world.alice
    path = path.replace("SOURCE", source)
    answer = await (client.post(path, data=fields) if is_form else client.post(path, json=fields))
    assert answer.is_success, answer.text
    assert "warnings" not in answer.json()


async def test_a_character_s_model_may_be_left_empty(world: World) -> None:
    answer = await world.alice.post(
        "/v1/videos/characters",
        data={"name": "Ada", "model": ""},
        files={"video": ("a.mp4", CLIP, "video/mp4")},
    )
    # As without one: the default model keeps none.
    assert answer.json()["error"]["code"] == "unsupported_operation"


@pytest.mark.parametrize(
    ("path", "fields", "param", "code"),
    [
        ("/v1/videos", {"prompt": ""}, "prompt", "empty_string"),
        (JOBS, {"prompt": "x", "model": ""}, "model", "missing_required_parameter"),
        (
            "/v1/videos",
            {"prompt": "x", "input_reference": {"image_url": ""}},
            "input_reference.image_url",
            "missing_required_parameter",
        ),
    ],
)
async def test_what_is_required_may_not_be_left_empty(
    world: World, path: str, fields: dict[str, Any], param: str, code: str
) -> None:
    answer = await world.alice.post(path, json=fields)
    error = answer.json().get("error", answer.json())
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


@pytest.mark.parametrize(
    "name", ["prompt", "model", "size", "width", "aspect_ratio", "n", "frame_index", "crop_bounds"]
)
async def test_a_file_where_none_is_read_is_called_one(world: World, name: str) -> None:
    error = await refused(world, **{"model": "sora", "prompt": "x", name: IMAGE_URL})
    assert error["param"] == name
    assert "Upload" not in error["message"]
    if name != "crop_bounds":
        assert "a file" in error["message"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": 4}, "seconds"),
        ({"size": "480x480"}, "size"),
        ({"duration": 4}, "duration"),
        ({"n": 2}, "n"),
        ({"input_reference": {"image_url": IMAGE_URL}}, "input_reference"),
        ({"seed": 1}, "seed"),
        ({"fit": "cover"}, "fit"),
    ],
)
async def test_jobs_have_words_of_their_own(
    world: World, fields: dict[str, Any], param: str
) -> None:
    answer = await world.alice.post(JOBS, json={"prompt": "a pier", "model": "sora", **fields})
    error = answer.json()
    assert (answer.status_code, error["param"]) == (400, param), answer.text
    assert error["code"] == "unsupported_parameter"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seconds", "8"),
        ("duration", 8),
        ("size", "1280x720"),
        ("model", "files"),
        ("fit", "contain"),
        ("n_variants", 2),
        ("input_reference", {"image_url": IMAGE_URL}),
        ("seed", 1),
    ],
)
@pytest.mark.parametrize("way", ["remix", "edits", "create"])
async def test_what_a_derived_video_would_ignore_is_refused(
    world: World, way: str, field: str, value: object
) -> None:
    source = await world.finished()
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "remix": (f"/v1/videos/{source}/remix", {}),
        "edits": ("/v1/videos/edits", {"video": {"id": source}}),
        "create": ("/v1/videos", {"remix_video_id": source}),
    }
    path, named = ways[way]
    body = {"prompt": "in fog", **named, field: value}
    answer = await world.alice.post(path, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, field), answer.text
    assert error["code"] == "unsupported_parameter"


async def test_a_derived_video_may_say_again_what_it_keeps(world: World) -> None:
    source = await world.finished()
    same = {"model": "azure/sora-2", "seconds": "4", "duration": 4, "size": "720x1280"}
    for path, named in (
        (f"/v1/videos/{source}/remix", {}),
        ("/v1/videos/edits", {"video_id": source, "video": {"id": source}}),
    ):
        answer = await world.alice.post(path, json={"prompt": "in fog", **named, **same})
        assert answer.status_code == 200, answer.text
        assert "warnings" not in answer.json()


async def test_two_sources_are_refused(world: World) -> None:
    body = {"prompt": "in fog", "video": {"id": await world.finished()}, "video_id": "video_1"}
    answer = await world.alice.post("/v1/videos/edits", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "video_id")


# -- what is written down


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (documents.CREATE_BODY, vocabulary.CREATE),
        (documents.REMIX_BODY, vocabulary.REMIX),
        (documents.EDIT_BODY, vocabulary.EDIT),
        (documents.EXTENSION_BODY, vocabulary.EXTENSION),
        (documents.CHARACTER_BODY, vocabulary.CHARACTER),
        (documents.JOB_BODY, vocabulary.JOB),
    ],
)
def test_what_the_document_names_is_read(body: Any, words: Vocabulary) -> None:
    schemas = [content["schema"] for content in body["content"].values()]
    named = {name.partition("[")[0] for schema in schemas for name in schema["properties"]}
    assert named <= words.fields
    if words in (vocabulary.CREATE, vocabulary.CHARACTER):
        assert named == words.fields
    assert not words.fields & words.refused.keys()
