"""Google's own clients drive what is simulated of Google: google-genai, and google-auth."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
import pytest
import requests
from google import genai
from google.auth import identity_pool
from google.auth.exceptions import OAuthError, RefreshError
from google.auth.transport.requests import Request
from google.genai import errors, types
from google.genai._interactions_errors import APIStatusError
from PIL import Image

from local.services.identity import API_VERSION
from local.services.upstreams import key_of
from local.services.upstreams.google_cloud import GoogleCloud
from tests.local.integration.services.harness import SECRET, ServicesProcess
from tests.patience import PATIENCE

T = TypeVar("T")

OMNI = "gemini-omni-1.2-flash"
VEO = "veo-3.1-generate-001"
CLOUD = GoogleCloud.settings
FOLDER = f"{CLOUD['GOOGLE_CLOUD_VIDEOS']}/video_1/"
ONCE = types.HttpRetryOptions(attempts=1)


class Subject:
    """Gives google-auth a token of the stack's identity."""

    def __init__(self, url: str, scope: str = CLOUD["GOOGLE_SUBJECT_SCOPE"]) -> None:
        self._url = f"{url}/identity/token"
        self._query = {"api-version": API_VERSION, "resource": scope.removesuffix("/.default")}

    def get_subject_token(self, context: object, request: object) -> str:
        headers = {"X-IDENTITY-HEADER": SECRET}
        answer = requests.get(self._url, params=self._query, headers=headers, timeout=PATIENCE)
        answer.raise_for_status()
        return str(answer.json()["access_token"])


def federated(url: str, **changes: Any) -> identity_pool.Credentials:
    """Credentials as an application makes them of Google's configuration file."""
    google = f"{url}/upstreams/google-cloud"
    account = CLOUD["GOOGLE_SERVICE_ACCOUNT"]
    given: dict[str, Any] = {
        "audience": CLOUD["GOOGLE_WORKLOAD_IDENTITY_PROVIDER"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google}/v1/token",
        "subject_token_supplier": Subject(url),
        "service_account_impersonation_url": f"{google}/v1/projects/-/serviceAccounts/{account}"
        ":generateAccessToken",
        "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
    }
    return identity_pool.Credentials(**given | changes)


@pytest.fixture
def developer(services: ServicesProcess) -> Iterator[genai.Client]:
    """The client of the Gemini Developer API."""
    options = types.HttpOptions(
        base_url=f"{services.url}/upstreams/google-omni", retry_options=ONCE
    )
    with genai.Client(api_key=key_of(SECRET), http_options=options) as client:
        yield client


@pytest.fixture
def cloud(services: ServicesProcess) -> Iterator[Callable[[str], genai.Client]]:
    """The client of Google Cloud, for one of the upstreams."""
    made: list[genai.Client] = []

    def client(upstream: str) -> genai.Client:
        options = types.HttpOptions(
            base_url=f"{services.url}/upstreams/{upstream}", retry_options=ONCE
        )
        made.append(
            genai.Client(
                vertexai=True,
                project=CLOUD["GOOGLE_CLOUD_PROJECT"],
                location="global",
                credentials=federated(services.url),
                http_options=options,
            )
        )
        return made[-1]

    yield client
    for one in made:
        one.close()


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 360), "navy").save(file, "PNG")
    return file.getvalue()


def wanted(prompt: str, **form: Any) -> dict[str, Any]:
    """What a client is told to create."""
    shape = {"aspect_ratio": "16:9", "resolution": "360p", "duration": "3s", "delivery": "uri"}
    return {
        "model": OMNI,
        "input": [{"type": "text", "text": prompt}],
        "background": True,
        "store": True,
        "response_format": {"type": "video", **shape, **form},
        "generation_config": {"video_config": {"task": "text_to_video"}},
    }


def soon(get: Callable[[], T], is_there: Callable[[T], bool]) -> T:
    """Ask until it is there."""
    end = time.monotonic() + PATIENCE
    while not is_there(found := get()):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def finished(client: genai.Client, job_id: str) -> Any:
    return soon(
        lambda: client.interactions.get(job_id), lambda found: found.status != "in_progress"
    )


def in_bucket(services: ServicesProcess, uri: str) -> httpx.Response:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    credentials = federated(services.url)
    credentials.refresh(Request())
    return httpx.get(
        f"{services.url}/upstreams/google-cloud/storage/v1/b/{bucket}/o/{name.replace('/', '%2F')}",
        params={"alt": "media"},
        headers={"Authorization": f"Bearer {credentials.token}"},
        trust_env=False,
    )


def is_video(data: bytes) -> bool:
    return data[4:8] == b"ftyp"


# -- Omni, for developers


def test_a_video_from_its_beginning_to_the_file(developer: genai.Client) -> None:
    body = wanted("A pier at dawn [sim render=5]")
    coded = base64.b64encode(picture()).decode()
    body["input"].append({"type": "image", "data": coded, "mime_type": "image/png"})
    body["generation_config"] = {"video_config": {"task": "image_to_video"}, "seed": 7}
    body["webhook_config"] = {
        "uris": ["https://nobody.example/h"],
        "user_metadata": {"job": "video_1"},
    }
    made = developer.interactions.create(**body)
    assert (made.status, made.model) == ("in_progress", OMNI)
    assert made.webhook_config is not None
    assert made.webhook_config.user_metadata == {"job": "video_1"}

    done = finished(developer, made.id)

    assert done.status == "completed"
    assert done.output_video.uri.startswith("http")
    assert done.usage.output_tokens_by_modality[0].tokens == 3 * 1931
    link = done.output_video.uri.replace("http:", "https:")  # it reads no names in others
    assert is_video(developer.files.download(file=link))


def test_a_video_within_the_answer(developer: genai.Client) -> None:
    body = wanted("A pier [sim render=1]", delivery="inline")
    done = finished(developer, developer.interactions.create(**body).id)
    assert is_video(base64.b64decode(done.output_video.data))


def test_a_refusal_is_a_completed_interaction_without_a_video(developer: genai.Client) -> None:
    made = developer.interactions.create(**wanted("A moderated pier [sim render=1]"))
    done = finished(developer, made.id)
    assert (done.status, done.output_video) == ("completed", None)
    assert "safety" in done.output_text


@pytest.mark.parametrize(
    ("directive", "status"),
    [("outcome=failed error=internal", "failed"), ("outcome=expired", "incomplete")],
)
def test_other_ends(developer: genai.Client, directive: str, status: str) -> None:
    made = developer.interactions.create(**wanted(f"A pier [sim render=1 {directive}]"))
    done = finished(developer, made.id)
    assert done.status == status
    assert (done.errors[0].code if done.errors else None) == (
        "internal" if status == "failed" else None
    )


def test_a_cancel_and_a_deletion(developer: genai.Client) -> None:
    made = developer.interactions.create(**wanted("A pier [sim render=9000]"))
    assert developer.interactions.cancel(made.id).status == "cancelled"
    with pytest.raises(APIStatusError) as refused:
        developer.interactions.cancel(made.id)
    assert refused.value.status_code == 400
    developer.interactions.delete(made.id)
    with pytest.raises(APIStatusError) as unknown:
        developer.interactions.get(made.id)
    assert (unknown.value.status_code, "not found" in str(unknown.value)) == (400, True)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "gemini-omni-0"}, 404, "is not found"),
        ({"background": False}, 400, "background"),
        ({"prompt": "A pier"}, 400, "prompt"),
        ({"labels": {"a": "b"}}, 400, "labels"),
        ({"input": [{"type": "text", "text": "A moderated input"}]}, 400, "safety"),
        ({"input": []}, 400, "text"),
        ({"response_format": {"type": "video", "duration": "8"}}, 400, "duration"),
        ({"response_format": {"type": "video", "duration": 8}}, 400, "duration"),
        ({"response_format": {"type": "video", "duration": "16s"}}, 400, "duration"),
        ({"response_format": {"type": "video", "resolution": "480p"}}, 400, "resolution"),
        ({"response_format": {"type": "video", "gcs_uri": "gs://b/"}}, 400, "gcs_uri"),
        ({"generation_config": {"video_config": {"task": "image_to_video"}}}, 400, "task"),
        ({"generation_config": {"video": {}}}, 400, "Unknown name"),
    ],
)
def test_what_it_does_not_take_it_refuses(
    services: ServicesProcess, change: dict[str, Any], status: int, words: str
) -> None:
    answer = httpx.post(
        f"{services.url}/upstreams/google-omni/v1beta/interactions",
        json=wanted("A pier") | change,
        headers={"x-goog-api-key": key_of(SECRET)},
        trust_env=False,
    )
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


def test_a_key_that_is_wrong(services: ServicesProcess) -> None:
    url = f"{services.url}/upstreams/google-omni/v1beta/interactions/v1_a"
    wrong = httpx.get(url, headers={"x-goog-api-key": "AIza-nobody"}, trust_env=False)
    none = httpx.get(url, trust_env=False)
    assert (wrong.status_code, none.status_code) == (400, 403)
    assert wrong.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


# -- Google Cloud


def test_omni_writes_to_the_bucket(
    services: ServicesProcess, cloud: Callable[[str], genai.Client]
) -> None:
    client = cloud("google-omni")
    body = wanted("A pier [sim render=1]", gcs_uri=FOLDER)
    made = client.interactions.create(**body, labels={"dailies_video": "video_1"})

    done = finished(client, made.id)

    assert done.labels == {"dailies_video": "video_1"}
    assert done.output_video.uri.startswith(FOLDER)
    assert is_video(in_bucket(services, done.output_video.uri).content)


def test_veo_writes_to_the_bucket(
    services: ServicesProcess, cloud: Callable[[str], genai.Client]
) -> None:
    client = cloud("vertex-veo")
    frame = types.Image(image_bytes=picture(), mime_type="image/png")
    operation = client.models.generate_videos(
        model=VEO,
        source=types.GenerateVideosSource(prompt="A pier [sim render=1]", image=frame),
        config=types.GenerateVideosConfig(
            number_of_videos=1,
            duration_seconds=4,
            aspect_ratio="16:9",
            resolution="720p",
            generate_audio=False,
            output_gcs_uri=FOLDER,
            last_frame=frame,
            reference_images=[
                types.VideoGenerationReferenceImage(
                    image=frame, reference_type=types.VideoGenerationReferenceType.ASSET
                )
            ],
            seed=7,
            negative_prompt="fog",
            labels={"dailies_video": "video_1"},
        ),
    )
    assert not operation.done

    done = soon(lambda: client.operations.get(operation), lambda found: bool(found.done))

    assert done.response is not None
    assert done.response.generated_videos is not None
    video = done.response.generated_videos[0].video
    assert video is not None
    assert video.uri is not None
    assert video.uri.startswith(FOLDER)
    assert is_video(in_bucket(services, video.uri).content)


@pytest.mark.parametrize("prompt", ["A moderated pier [sim render=1]"])
def test_veo_counts_what_it_filters(cloud: Callable[[str], genai.Client], prompt: str) -> None:
    client = cloud("vertex-veo")
    operation = client.models.generate_videos(
        model=VEO,
        source=types.GenerateVideosSource(prompt=prompt),
        config=types.GenerateVideosConfig(generate_audio=True, output_gcs_uri=FOLDER),
    )
    done = soon(lambda: client.operations.get(operation), lambda found: bool(found.done))
    assert done.response is not None
    assert done.response.generated_videos is None
    assert done.response.rai_media_filtered_count == 1


def test_veo_fails_with_an_error(cloud: Callable[[str], genai.Client]) -> None:
    client = cloud("vertex-veo")
    operation = client.models.generate_videos(
        model=VEO,
        source=types.GenerateVideosSource(prompt="A pier [sim render=1 outcome=failed]"),
        config=types.GenerateVideosConfig(generate_audio=True),
    )
    done = soon(lambda: client.operations.get(operation), lambda found: bool(found.done))
    assert done.error is not None
    assert done.error["code"] == 13


@pytest.mark.parametrize(
    ("model", "config", "code"),
    [
        ("veo-2.0-generate-001", {"generate_audio": True}, 404),
        (VEO, {"generate_audio": True, "duration_seconds": 5}, 400),
        (VEO, {"generate_audio": True, "fps": 24}, 400),
        (VEO, {}, 400),
    ],
)
def test_veo_refuses_what_it_does_not_make(
    cloud: Callable[[str], genai.Client], model: str, config: dict[str, Any], code: int
) -> None:
    with pytest.raises(errors.ClientError) as refused:
        cloud("vertex-veo").models.generate_videos(
            model=model,
            source=types.GenerateVideosSource(prompt="A pier"),
            config=types.GenerateVideosConfig(**config),
        )
    assert refused.value.code == code


def test_tokens_for_others_are_not_exchanged(services: ServicesProcess) -> None:
    other = Subject(services.url, "https://cognitiveservices.azure.com")
    with pytest.raises(OAuthError, match="invalid_grant"):
        federated(services.url, subject_token_supplier=other).refresh(Request())


def test_other_accounts_are_not_there_to_use(services: ServicesProcess) -> None:
    google = f"{services.url}/upstreams/google-cloud"
    account = "nobody@local-studio.iam.gserviceaccount.com"
    url = f"{google}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    with pytest.raises(RefreshError):
        federated(services.url, service_account_impersonation_url=url).refresh(Request())


def test_without_a_token_there_is_nothing(services: ServicesProcess) -> None:
    project = f"{services.url}/upstreams/google-omni/v1beta1/projects/p/locations/global"
    none = httpx.get(f"{project}/interactions/v1_a", trust_env=False)
    forged = {"Authorization": f"Bearer ya29.4000000000.{'0' * 40}"}
    wrong = httpx.get(f"{project}/interactions/v1_a", headers=forged, trust_env=False)
    assert (none.status_code, wrong.status_code) == (401, 401)
    assert none.json()["error"]["status"] == "UNAUTHENTICATED"
