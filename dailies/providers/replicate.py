"""Replicate, which hosts other makers' models behind one API; a model is a row of the catalogue.

A job is a *prediction*. What it takes and gives is the model's own: ``dailies.providers.mapping``.

Sources: the source of ``replicate`` 1.0.7 and 2.0.0b4 (paths, headers, fields, the signature, the
list, files), Replicate's documentation (statuses, what is charged, one hour of data retention,
"use a data URL for a file <= 256kb"), answers that others recorded (402, 429, moderation). Since
2022 an answer does not repeat ``data:`` URLs of the input. Never tried live.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
from pydantic import Field

from dailies.catalogue.deployment import Deployment
from dailies.catalogue.rules import FieldProblem
from dailies.providers.answers import text
from dailies.providers.base import Called, Content, Found, Reference, Submission
from dailies.providers.classify import ANY, NOT_OFFERED, Answer, Call
from dailies.providers.declaration import Help, Provider, Recovery
from dailies.providers.error_text import read_json
from dailies.providers.key_auth import BearerKeyAuth
from dailies.providers.listing import CLOCK_SKEW, Page, choose, jobs_since
from dailies.providers.map_check import map_problems
from dailies.providers.mapping import (
    MappedOptions,
    linked_result,
    model_inputs,
    of_model,
)
from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.providers.predictions import MODERATION, Likeness, likeness, parse_prediction
from dailies.providers.standard_webhooks import TOLERANCE, is_signed, signing_key
from dailies.providers.wire import Wire
from dailies.video.basics import Variant

__all__ = ["PROVIDER", "Replicate", "ReplicateOptions"]

_MOST_INLINE = 256 * 1024
"""Bytes of a file in a ``data:`` URL; a larger one is uploaded first, as Replicate asks."""

_NAME = re.compile(r"[\w.-]+/[\w.-]+(:[0-9a-f]{64})?")
_EVENTS = ["start", "completed"]
_RESETS = re.compile(r"resets in ~?(\d{1,5})s\b")


class ReplicateOptions(MappedOptions):
    """The options of a model there.

    Attributes:
        cancel_after: when Replicate ends a prediction by itself: an hour, by which we have given
            the video up (``DAILIES_VIDEO_DEADLINE_SECONDS``) and nobody waits for it any more.
    """

    cancel_after: str = Field(default="1h", pattern=r"^(\d+h)?(\d+m)?(\d+s)?$", min_length=2)


class Replicate:
    """One model, as a ``VideoProvider`` that finds jobs and calls back."""

    def __init__(self, wire: Wire, now: Callable[[], float] = time.time) -> None:
        if not isinstance(wire.options, ReplicateOptions):
            raise TypeError("the options are not those that PROVIDER declares")
        self._wire = wire
        self._options = wire.options
        self._now = now
        self._root = f"{wire.url.removesuffix('/v1')}/v1"
        self._key: bytes | None = None
        self._key_from = 0.0

    async def submit(self, submission: Submission) -> Outcome:
        """See ``VideoProvider.submit``. Images that are too large for the request go before it:
        they cost nothing, and what becomes of them makes no job."""
        links: dict[Reference, str] = {}
        for image in _images(submission):
            link = await self._link(image)
            if isinstance(link, Outcome):
                return link
            links[image] = link
        request = self._creation(submission, links.__getitem__)
        outcome = await self._wire.job(Call.CREATE, request, self._parse, prompt=submission.prompt)
        return _paced(outcome)

    async def status(self, job_id: str) -> Outcome:
        """See ``VideoProvider.status``."""
        request = self._wire.request("GET", self._url(job_id))
        outcome = await self._wire.job(Call.STATUS, request, self._parse, job_id=job_id)
        return _paced(outcome)

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """See ``VideoProvider.open_content``."""
        request = self._wire.request("GET", self._url(job_id))
        return self._wire.linked(request, self._output, job_id, variant)

    async def cancel(self, job_id: str) -> Outcome:
        """See ``VideoProvider.cancel``. One that is done stays as it is."""
        request = self._wire.request("POST", f"{self._url(job_id)}/cancel")
        reply = await self._wire.call(Call.CANCEL, request)
        return reply if isinstance(reply, Outcome) else self._wire.cancelled(reply, job_id)

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """See ``FindsJobs.find_submitted``. Our own address in ``webhook`` settles it; where it is
        not repeated, the inputs must agree."""
        likes: dict[str, Likeness] = {}

        def page(document: object) -> Page | None:
            if not isinstance(document, dict) or not isinstance(document.get("results"), list):
                return None
            jobs = []
            for item in document["results"]:
                job = self._parse(item)
                if job is None:
                    continue
                like = likes[job.id] = likeness(item, submission, self._options)
                known = like in (Likeness.OURS, Likeness.ALIKE)
                prompt = submission.prompt if known else None
                jobs.append(replace(job, prompt=prompt, model=None))
            following = text(document.get("next"))
            return jobs, following and urlsplit(following).query, following is not None

        def request(query: Mapping[str, str]) -> httpx.Request:
            after = datetime.fromtimestamp(since - CLOCK_SKEW, UTC).isoformat()
            # Of the link to the next page its query alone: the key is for our own address.
            params = dict(parse_qsl(query.get("after", ""))) or {"created_after": after}
            return self._wire.request("GET", f"{self._root}/predictions", params=params)

        listed = await jobs_since(self._wire, request, page, since - CLOCK_SKEW)
        if isinstance(listed, Outcome):
            return Found(_paced(listed))
        ours = [job for job in listed if likes[job.id] is Likeness.OURS]
        maybe = [job for job in listed if likes[job.id] is not Likeness.OTHER]
        return choose(ours or maybe, submission, since, self._wire.names)

    async def called_back(self, headers: Mapping[str, str], body: bytes) -> Called | None:
        """See ``CallsBack.called_back``. A call may come twice. Without the key that Replicate
        signs with, nobody can tell whose call it is."""
        for is_again in (False, True):  # the key may have been renewed
            key = await self._signing_key(renew=is_again)
            if key is not None and is_signed(headers, body, key, self._now()):
                job = parse_prediction(read_json(body), self._options)
                return None if job is None else Called(job.id, job.status.is_final)
        return None

    async def _signing_key(self, *, renew: bool) -> bytes | None:
        """The account's key, asked for once; again only when it is not new, for anybody can call
        with a wrong signature."""
        is_old = self._now() - self._key_from > TOLERANCE
        if self._key is None or (renew and is_old):
            request = self._wire.request("GET", f"{self._root}/webhooks/default/secret")
            reply = await self._wire.call(Call.STATUS, request)
            if not isinstance(reply, Outcome) and reply.is_success:
                document = read_json(reply.body)
                secret = text(document.get("key")) if isinstance(document, dict) else None
                self._key, self._key_from = signing_key(secret or ""), self._now()
        return self._key

    async def _link(self, image: Reference) -> str | Outcome:
        """Where the model finds an image: in the request itself, or uploaded."""
        if len(image.data) <= _MOST_INLINE:
            return image.data_url
        extension = image.content_type.partition("/")[2] or "bin"
        file = (f"image.{extension}", image.data, image.content_type)
        request = self._wire.request("POST", f"{self._root}/files", files={"content": file})
        reply = await self._wire.call(Call.UPLOAD, request)
        if isinstance(reply, Outcome):
            return reply
        document = read_json(reply.body) if reply.is_success else None
        urls = document.get("urls") if isinstance(document, dict) else None
        link = text(urls.get("get")) if isinstance(urls, dict) else None
        return link or _paced(self._wire.classified(Call.UPLOAD, reply))

    def _creation(self, submission: Submission, link: Callable[[Reference], str]) -> httpx.Request:
        body: dict[str, object] = {"input": model_inputs(self._options, submission, link)}
        if submission.callback_url is not None:
            body |= {"webhook": submission.callback_url, "webhook_events_filter": _EVENTS}
        model, _, version = submission.deployment.partition(":")
        url = f"{self._root}/models/{quote(model)}/predictions"
        if version:
            url, body = f"{self._root}/predictions", {"version": version, **body}
        request = self._wire.request("POST", url, json_body=body)
        request.headers["Cancel-After"] = self._options.cancel_after
        return request

    def _parse(self, document: object) -> UpstreamJob | None:
        return parse_prediction(document, self._options)

    def _output(self, document: object) -> str | None:
        output = document.get("output") if isinstance(document, dict) else None
        return linked_result(self._options, output)

    def _url(self, job_id: str) -> str:
        return f"{self._root}/predictions/{quote(job_id, safe='')}"


def _images(submission: Submission) -> Iterator[Reference]:
    yield from filter(None, (submission.reference, submission.last_frame))
    yield from submission.references


def _paced(outcome: Outcome) -> Outcome:
    """With the pause that is only in the words: "… Your rate limit resets in ~30s."."""
    found = _RESETS.search(outcome.detail or "")
    if outcome.kind is not Kind.THROTTLED or outcome.retry_after is not None or found is None:
        return outcome
    return replace(outcome, retry_after=float(found[1]))


def _check(deployment: Deployment, options: ReplicateOptions) -> Iterator[FieldProblem]:
    if not _NAME.fullmatch(deployment.deployment):
        yield FieldProblem(
            "deployment", "must read owner/name, or owner/name:version with the 64 digits of one"
        )
    yield from map_problems(deployment, options)


_CREATE = frozenset({Call.CREATE})

PROVIDER = Provider(
    id="replicate",
    adapter=Replicate,
    recovery=Recovery.LISTED,
    options=ReplicateOptions,
    caller_options=of_model,
    check=_check,
    key_auth=BearerKeyAuth,
    hosts=("replicate.delivery", ".replicate.delivery"),
    kept_seconds=3600,
    answers=(
        # It may speak of billing: less than 5 dollars of credit lower the limit.
        Answer(
            ANY,
            {429},
            None,
            Kind.THROTTLED,
            "rate_limit",
            "The provider takes no more requests for the moment (429). Try again later.",
            remedy="If this lasts, buy credit at the provider: below 5 dollars it takes 6 "
            "requests a minute.",
        ),
        Answer(
            _CREATE,
            range(400, 500),
            MODERATION,
            Kind.REFUSED,
            "moderation_blocked",
            "The provider's moderation blocked the request. Change the prompt or the images; "
            "the same request would be blocked again.",
        ),
        Answer(
            _CREATE,
            {422},
            r"version does not exist|invalid version",
            Kind.REFUSED,
            "deployment_not_found",
            NOT_OFFERED,
            remedy="There is no version '{deployment}' at {endpoint}, or the key may not use "
            "it. Check the deployment's name in the catalogue.",
        ),
    ),
    helps=(
        Help(
            "no_credit",
            remedy="Buy credit for the account of deployment '{deployment}' at "
            "https://replicate.com/account/billing.",
        ),
    ),
)
