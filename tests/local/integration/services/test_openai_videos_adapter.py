"""The app's adapter, in each server's dialect, against the simulated servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from dailies.catalogue import Catalogue, Deployment
from dailies.providers.base import Content, FindsJobs, Submission, VideoProvider
from dailies.providers.outcomes import JobStatus, Kind, Outcome, UpstreamJob
from dailies.providers.registry import Providers, check_deployment
from dailies.video.basics import Variant
from local.services.upstreams import key_of, upstream_settings
from tests.local.integration.services.harness import SECRET, ServicesProcess
from tests.patience import PATIENCE

NAMES = ("vllm-omni-wan-2-2", "sglang-wan-2-2", "vllm-omni-minimax-h3", "vllm-omni-ltx-2")

Open = Callable[..., tuple[Deployment, VideoProvider]]


@pytest.fixture
async def opened(services: ServicesProcess) -> AsyncIterator[Open]:
    """The adapter of an entry of the catalogue that ships, and the entry."""
    made: list[Providers] = []

    def build(name: str, **settings: str) -> tuple[Deployment, VideoProvider]:
        environ = upstream_settings(services.url, key_of(SECRET)) | settings
        catalogue = Catalogue.load(Path("models.yaml"), environ, check=check_deployment())
        made.append(Providers(catalogue, lambda: pytest.fail("no identity is asked for")))
        deployment = catalogue.deployment(name)
        assert deployment is not None
        return deployment, made[-1].adapter(deployment)

    yield build
    for one in made:
        await one.close()


def asked(deployment: Deployment, prompt: str = "a cat", **fields: Any) -> Submission:
    size, seconds = deployment.default_size, deployment.default_seconds
    return Submission(
        deployment.deployment, prompt, seconds, size, **{"video_id": "video_ours", **fields}
    )


def job_of(outcome: Outcome) -> UpstreamJob:
    assert outcome.job is not None, outcome
    return outcome.job


async def ended(adapter: VideoProvider, job_id: str) -> UpstreamJob:
    with anyio.fail_after(PATIENCE):
        while True:
            job = job_of(await adapter.status(job_id))
            if job.status.is_final:
                return job
            await anyio.sleep(0.05)


async def film(adapter: VideoProvider, job_id: str) -> bytes:
    async with adapter.open_content(job_id, Variant.VIDEO) as content:
        assert isinstance(content, Content), content
        return b"".join([chunk async for chunk in content.chunks])


@pytest.mark.parametrize("name", NAMES)
async def test_each_entry_that_ships_makes_its_default_video(opened: Open, name: str) -> None:
    deployment, adapter = opened(name)
    sent = job_of(await adapter.submit(asked(deployment)))
    done = await ended(adapter, sent.id)

    assert done.status is JobStatus.COMPLETED, done
    assert done.seconds == deployment.default_seconds
    assert (await film(adapter, sent.id))[4:8] == b"ftyp"
    assert (await adapter.cancel(sent.id)).kind is Kind.ACCEPTED


async def test_a_file_in_a_cloud_storage_is_fetched_from_there(
    opened: Open, services: ServicesProcess
) -> None:
    cloud = f"{services.url}/upstreams/openai-videos/sglang-cloud"
    deployment, adapter = opened("sglang-wan-2-2", SGLANG_ENDPOINT=cloud)
    sent = job_of(await adapter.submit(asked(deployment)))
    await ended(adapter, sent.id)

    assert (await film(adapter, sent.id))[4:8] == b"ftyp"


@pytest.mark.parametrize("name", ["vllm-omni-wan-2-2", "sglang-wan-2-2"])
async def test_a_job_is_found_again(opened: Open, services: ServicesProcess, name: str) -> None:
    deployment, adapter = opened(name)
    prompt = f"[sim render=100000 label=cat] found by {name}"
    sent = job_of(await adapter.submit(asked(deployment, prompt)))
    assert isinstance(adapter, FindsJobs)
    found = await adapter.find_submitted(asked(deployment, prompt), since=sent.created_at or 0)

    # SGLang tells no prompts, so the jobs of other tests may be ours.
    if found.outcome.kind is Kind.ACCEPTED:
        assert sent.id in [job.id for job in found.jobs]
    else:
        assert found.outcome.code == "ambiguous_jobs"
        assert name == "sglang-wan-2-2"


async def test_only_a_server_that_stops_its_jobs_is_told_to(opened: Open) -> None:
    prompt = "[sim render=100000 label=cat] to be stopped"
    for name, kind in (("vllm-omni-wan-2-2", Kind.ACCEPTED), ("sglang-wan-2-2", Kind.REFUSED)):
        deployment, adapter = opened(name)
        sent = job_of(await adapter.submit(asked(deployment, prompt)))
        assert (await adapter.cancel(sent.id)).kind is kind
        seen = job_of(await adapter.status(sent.id))
        assert seen.status.is_final is (kind is Kind.ACCEPTED)


async def test_a_failed_job_tells_why(opened: Open) -> None:
    for name in ("vllm-omni-wan-2-2", "sglang-wan-2-2"):
        deployment, adapter = opened(name)
        prompt = "[sim outcome=failed label=cat] a cat"
        sent = job_of(await adapter.submit(asked(deployment, prompt)))
        done = await ended(adapter, sent.id)
        assert (done.status, done.error_code) == (JobStatus.FAILED, "generation_failed")
        assert "Generation failed" in (done.error_message or "")


async def test_a_wrong_key_is_told(opened: Open) -> None:
    deployment, adapter = opened("vllm-omni-wan-2-2", VLLM_OMNI_API_KEY="wrong")

    assert (await adapter.submit(asked(deployment))).kind is Kind.UNAUTHORISED


async def test_a_restart_of_the_server_loses_its_jobs(
    opened: Open, make_services: Callable[..., ServicesProcess]
) -> None:
    own = make_services("--speed", "200")
    endpoint = f"{own.url}/upstreams/openai-videos/vllm-omni"
    deployment, adapter = opened(
        "vllm-omni-wan-2-2",
        VLLM_OMNI_WAN_ENDPOINT=endpoint,
        VLLM_OMNI_API_KEY=key_of(SECRET),
    )
    sent = job_of(await adapter.submit(asked(deployment, "[sim render=100000] a cat")))
    own.end()
    assert (await adapter.status(sent.id)).kind is Kind.TRANSIENT
    own.start()
    lost = job_of(await adapter.status(sent.id))

    assert (lost.status, lost.error_code) == (JobStatus.FAILED, "job_lost")
