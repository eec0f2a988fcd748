"""What a request asks for together: refused at the door, or sent whole; never left out unsaid."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest

from dailies.catalogue import Catalogue, Deployment
from dailies.catalogue.abilities import Needs, narrowed
from dailies.catalogue.limits import Part
from dailies.protocols.wish import Plan, Wish, plan
from dailies.providers.base import Reference, Submission
from dailies.providers.registry import check_deployment, find_provider
from dailies.providers.wire import Wire
from dailies.routing.choose import serving
from dailies.video.basics import Size
from dailies.video.errors import InvalidRequest, SettingsError
from dailies.video.request import Input, InputKind, Role
from tests.unit.providers.conftest import Upstream
from tests.unit.providers.rows import able_row

SHIPPED = Path(__file__).parents[3] / "models.yaml"
CHECK = check_deployment()
KEYS = {
    f"{name}_API_KEY": "access:secret"
    for name in ("FAL", "REPLICATE", "XAI", "LUMA", "LUMA_DREAM_MACHINE", "RUNWAY", "KLING", "ARK")
}
PLACES = {
    "GOOGLE_CLOUD_PROJECT": "dailies-project",
    "GOOGLE_CLOUD_VIDEOS": "gs://bucket/folder",
    "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": "//iam.googleapis.com/projects/1/locations/global/"
    "workloadIdentityPools/pool/providers/azure",
    "GOOGLE_SUBJECT_SCOPE": "api://a/.default",
    "VERTEX_ENDPOINT": "https://aiplatform.googleapis.com",
    "VEO_ENDPOINT": "https://us-central1-aiplatform.googleapis.com",
    "GEMINI_API_KEY": "key",
    "OPENAI_COMPATIBLE_ENDPOINT": "https://one.example",
    "OTHER_DAILIES_ENDPOINT": "https://two.example",
    "OTHER_DAILIES_API_KEY": "key",
    "SGLANG_ENDPOINT": "https://three.example",
    "VLLM_OMNI_H3_ENDPOINT": "https://four.example",
    "VLLM_OMNI_LTX_ENDPOINT": "https://five.example",
    "VLLM_OMNI_WAN_ENDPOINT": "https://six.example",
}
CATALOGUE = Catalogue.load(
    SHIPPED, {**KEYS, **PLACES, "DAILIES_DEFAULT_MODEL": "ray-3.2"}, check=CHECK
)
ROWS = [
    row
    for model in CATALOGUE.models.values()
    for row in model.deployments
    if not row.provider.startswith("azure-")
]
HD, PORTRAIT, FULL_HD = Size(1280, 720), Size(720, 1280), Size(1920, 1080)


def asked(model: str, parts: set[str], **wish: Any) -> Plan:
    """What becomes of a wish for a video with these parts."""
    given = {"seed": 7, "negative_prompt": "rain", "sound": True}
    wish |= {part: value for part, value in given.items() if part in parts}
    return plan(
        CATALOGUE,
        Wish("A pier", model, **wish),
        with_image="first_frame" in parts,
        last_frame="last_frame" in parts,
        references=2 if "references" in parts else 0,
    )


@pytest.mark.parametrize(
    ("model", "parts", "param", "words"),
    [
        ("seedance-2.5", {"references", "first_frame"}, "input_references", "not both"),
        ("seedance-2.5", {"last_frame"}, "frame_images", "only with a first frame"),
        ("veo-3.1", {"references", "last_frame", "first_frame"}, "input_references", "not both"),
        ("replicate-veo-3.1", {"references", "first_frame"}, "input_references", "not both"),
        ("replicate-seedance-2.0", {"references", "first_frame"}, "input_references", "not both"),
        ("fal-veo-3.1", {"references", "seed"}, "input_references", "or 'seed', not both"),
        ("fal-veo-3.1", {"references", "negative_prompt"}, "input_references", "not both"),
        ("fal-seedance-2.5", {"references", "first_frame"}, "input_references", "not both"),
        ("minimax-h3", {"last_frame"}, "frame_images", "only with a first frame"),
    ],
)
def test_what_does_not_go_together_is_refused_at_the_door(
    model: str, parts: set[str], param: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(model, parts)
    assert (caught.value.param, caught.value.code) == (param, "unsupported_parameter")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("model", "parts", "wish", "param", "words"),
    [
        ("veo-3.1", {"references"}, {"seconds": 4}, "seconds", "With images to look like"),
        ("replicate-veo-3.1", {"references"}, {"size": PORTRAIT}, "size", "'1920x1080'"),
        ("grok-imagine-video-1.5", {"last_frame"}, {"size": FULL_HD}, "size", "With a last frame"),
        ("veo-3.1", {"references"}, {"seconds": 5}, "seconds", "values are: '8'"),
    ],
)
def test_a_length_or_size_that_is_not_to_be_had_with_the_rest(
    model: str, parts: set[str], wish: dict[str, Any], param: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(model, parts, **wish)
    assert (caught.value.param, caught.value.code) == (param, "invalid_value")
    assert words in str(caught.value)


def test_a_prompt_is_measured_as_its_provider_does() -> None:
    assert plan(CATALOGUE, Wish("🌧" * 500, "gen4.5"), with_image=False).deployments
    with pytest.raises(InvalidRequest, match="1,002 UTF-16 units") as caught:
        plan(CATALOGUE, Wish("🌧" * 501, "gen4.5"), with_image=False)
    assert (caught.value.param, caught.value.code) == ("prompt", "string_above_max_length")


def test_an_option_that_a_models_schema_does_not_know_is_refused() -> None:
    wish = Wish("A pier", "replicate-wan-3", provider_options={"nonsense": 1})
    with pytest.raises(InvalidRequest, match="no option 'nonsense'"):
        plan(CATALOGUE, wish, with_image=False)


def test_each_alone_is_taken() -> None:
    assert asked("veo-3.1", set(), seconds=4).seconds == 4
    assert asked("grok-imagine-video-1.5", set(), size=FULL_HD).size == FULL_HD
    assert asked("fal-veo-3.1", {"seed"}).deployments


def test_defaults_are_what_is_to_be_had_with_the_rest() -> None:
    assert asked("veo-3.1", {"references"}).seconds == 8
    planned = asked("replicate-veo-3.1", {"references"}, seconds_fit_nearest=True, seconds=4)
    assert planned.seconds == 8
    # An upright image would have an upright video.
    assert planned.request(Size(900, 1600)).size in (HD, FULL_HD)


def test_no_deployment_is_chosen_that_can_not_make_it() -> None:
    request = asked("veo-3.1", {"references"}).request()
    looks = tuple(Input(role=Role.REFERENCE, type=InputKind.IMAGE) for _ in range(2))
    taken = request.model_copy(update={"inputs": looks})
    assert serving(CATALOGUE, taken)
    assert serving(CATALOGUE, taken.model_copy(update={"seconds": 4})) == []
    framed = (*looks, Input(role=Role.FIRST, type=InputKind.IMAGE))
    assert serving(CATALOGUE, taken.model_copy(update={"inputs": framed})) == []


IMAGES = {name: Reference(f"<{name}>".encode(), "image/png", HD) for name in ("first", "last")}
LOOKS = tuple(Reference(f"<look {n}>".encode(), "image/png", HD) for n in (1, 2))


def submission(row: Deployment, able: Deployment, parts: frozenset[Part]) -> Submission:
    return Submission(
        row.deployment,
        "A pier at dawn",
        able.seconds[-1],
        able.sizes[-1],
        video_id="video_1",
        reference=IMAGES["first"] if Part.FIRST_FRAME in parts else None,
        last_frame=IMAGES["last"] if Part.LAST_FRAME in parts else None,
        references=LOOKS if Part.REFERENCES in parts else (),
        seed=987_654 if Part.SEED in parts else None,
        negative_prompt="heavy rain" if Part.NEGATIVE_PROMPT in parts else None,
        sound=False if Part.SOUND in parts else None,
    )


def sent(body: str, given: Submission) -> Iterator[str]:
    """What of a submission is not to be found in a body."""
    images = (given.reference, given.last_frame, *given.references)
    for image in filter(None, images):
        if image.data.decode() not in body and b64encode(image.data).decode() not in body:
            yield image.data.decode()
    if given.seed is not None and str(given.seed) not in body:
        yield "seed"
    if given.negative_prompt is not None and given.negative_prompt not in body:
        yield "negative_prompt"
    if given.sound is not None and not re.search(r':\s?(false|"off")', body):
        yield "sound"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.name))
async def test_what_is_taken_is_sent_whole(row: Deployment, upstream: Upstream) -> None:
    """Each row of the catalogue, with everything that it promises, in each combination."""
    provider = find_provider(row.provider)
    assert provider is not None
    upstream.says(httpx.Response(503))
    wire = Wire(
        upstream.client,
        httpx.Auth(),
        provider.context(row),
        url=row.endpoint or "",
        options=provider.options_of(row),
    )
    adapter = provider.adapter(wire)
    promised = sorted(row.promises)
    tried = 0
    for count in range(len(promised) + 1):
        for parts in map(frozenset, combinations(promised, count)):
            needs = Needs(
                first_frame=Part.FIRST_FRAME in parts,
                last_frame=Part.LAST_FRAME in parts,
                references=2 if Part.REFERENCES in parts else 0,
                seed=Part.SEED in parts,
                negative_prompt=10 if Part.NEGATIVE_PROMPT in parts else 0,
                sound=False if Part.SOUND in parts else None,
            )
            able = narrowed(row, needs)
            if able is None:
                continue
            given = submission(row, able, parts)
            upstream.requests.clear()
            await adapter.submit(given)
            assert upstream.requests, f"{row.name} refuses {sorted(parts)} by itself"
            body = "".join(each.content.decode("utf-8", "replace") for each in upstream.requests)
            assert [*sent(body, given)] == [], f"{row.name}: {sorted(parts)}"
            tried += 1
    assert tried > len(promised)


def test_an_endpoint_without_a_word_for_sound_takes_no_choice_of_it() -> None:
    row = able_row(
        "fal",
        "owner/app/text-to-video",
        options={
            "inputs": {"sound": "generate_audio"},
            "with_image": {"path": "image-to-video", "inputs": {"image": "image_url"}},
        },
    )
    complete, _ = CHECK(row)
    assert narrowed(complete, Needs(first_frame=True)) is not None
    assert narrowed(complete, Needs(sound=False)) is not None
    assert narrowed(complete, Needs(first_frame=True, sound=False)) is None


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (able_row("xai", "grok", negative_prompt=False), "seed", "no words for 'seed'"),
        (able_row("luma-dream-machine", "ray-2"), "last_frame", "a last frame"),
        (able_row("kling", "v3", sizes=["960x540"]), "sizes", "720 or 1080 lines"),
        (able_row("seedance", "s", sizes=["1000x300"]), "sizes", "aspect ratio"),
        (able_row("vertex-veo", "veo", sizes=["720x720"]), "sizes", "16:9 or 9:16"),
        (able_row("openai-videos", "h3", last_frame=True), "last_frame", "a last frame"),
        (
            able_row(
                "openai-videos",
                "h3",
                sizes=["1000x300"],
                options={"names": {"aspect_ratio": "ratio"}},
            ),
            "sizes",
            "aspect ratio",
        ),
        (
            able_row("runway", "any", sizes=["1000x300"], options={"router": "r"}),
            "sizes",
            "aspect ratio",
        ),
    ],
    ids=lambda value: value.provider if isinstance(value, Deployment) else str(value)[:12],
)
def test_a_row_that_promises_more_is_refused_at_start(
    row: Deployment, field: str, words: str
) -> None:
    given = {"endpoint": "https://one.example", "api_key": "key", "credential": "api-key"}
    options = dict(row.options)
    if row.provider == "vertex-veo":
        given["credential"] = "entra"
        options = {
            "project": "dailies-project",
            "gcs_prefix": "gs://bucket/folder",
            "workload_identity_provider": PLACES["GOOGLE_WORKLOAD_IDENTITY_PROVIDER"],
            "subject_scope": "api://a/.default",
        }
    whole = Deployment.model_validate(
        {**row.model_dump(by_alias=True), **given, "options": options}
    )
    _, problems = CHECK(whole)
    assert any(p.field == field and words in p.message for p in problems), problems


def test_a_limit_of_a_size_that_there_is_not_is_a_mistake() -> None:
    text = SHIPPED.read_text(encoding="utf-8").replace(
        "limits: [{when: references, seconds: [8]}]", "limits: [{when: references, seconds: [9]}]"
    )
    with pytest.raises(SettingsError, match="9 is none of the sizes and seconds"):
        Catalogue.parse(text, {**KEYS, **PLACES}, check=CHECK)
