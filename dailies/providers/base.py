"""The one protocol that every provider's adapter speaks, and the abilities that only some have.

What a model can do (sizes, seconds, variants, rules for reference images) is data of the
catalogue's deployment, not code of the adapter: see ``dailies.catalogue``.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from dailies.providers.outcomes import Kind, Outcome, UpstreamJob
from dailies.video.basics import Operation, Size, Variant
from dailies.video.framing import CropBounds

__all__ = [
    "NO_NAMES",
    "Called",
    "CallsBack",
    "CharacterKeeper",
    "Content",
    "FindsJobs",
    "Found",
    "InputFile",
    "KeptCharacter",
    "Names",
    "Reference",
    "SourceFile",
    "Submission",
    "VideoProvider",
    "find_submitted",
]


@dataclass(frozen=True, slots=True)
class Reference:
    """An image for the video, already fitted to what the model wants."""

    data: bytes = field(repr=False)
    content_type: str
    size: Size

    @property
    def data_url(self) -> str:
        """The image as a ``data:`` URL."""
        return f"data:{self.content_type};base64,{b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A stored video to start from.

    Attributes:
        length: in bytes.
        open: begins to read it, as a stream of its chunks; may be called again.
    """

    length: int
    content_type: str
    open: Callable[[], AsyncIterator[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class InputFile(SourceFile):
    """An image or a video that appears in the video from ``frame_index`` on.

    Attributes:
        crop: the part of the picture to use; None for all of it.
    """

    type: Literal["image", "video"]
    frame_index: int = 0
    crop: CropBounds | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One request for a video, complete and valid for the deployment that it goes to.

    Attributes:
        deployment: the name by which the provider knows the model.
        source_job_id: the upstream job that a remix, edit or extension starts from.
        n_variants: how many videos the one job makes.
        inputs: what appears at frames of the caller's choice.
        source_file: what it starts from where there is no such job (any more).
        video_id: our own id, the same however often the request is sent: for whatever the provider
            lets us mark (a header, an external id, a prefix in its storage).
        callback_url: an address of this video alone that the provider may call; None when the app
            has no public address, or the provider calls nobody.
        last_frame: the image that the video ends with, fitted like ``reference``.
        references: images that it is to look like.
        seed, negative_prompt, sound: as asked for; None where nothing was.
        safety_identifier: tells one end user from another, where the provider takes it.
        options: what the caller asks of this provider alone.
    """

    deployment: str
    prompt: str = field(repr=False)
    seconds: int
    size: Size
    operation: Operation = Operation.CREATE
    reference: Reference | None = None
    source_job_id: str | None = None
    n_variants: int = 1
    inputs: tuple[InputFile, ...] = ()
    source_file: SourceFile | None = None
    video_id: str = ""
    callback_url: str | None = field(default=None, repr=False)
    last_frame: Reference | None = None
    references: tuple[Reference, ...] = ()
    seed: int | None = None
    negative_prompt: str | None = field(default=None, repr=False)
    sound: bool | None = None
    safety_identifier: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def lacks_source(self) -> bool:
        """Whether it is to start from a video and there is none."""
        derived = self.operation is not Operation.CREATE
        return derived and self.source_job_id is None and self.source_file is None


@dataclass(frozen=True, slots=True)
class Names:
    """How a provider may call the model of a job.

    Attributes:
        own: names of the deployment's model (its deployment, its public names).
        others: names of the other models at the same endpoint.
    """

    own: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def fits(self, model: str | None, deployment: str) -> bool:
        """Whether a job of ``model`` can be one of ours: yes, unless it is known to be another's.

        An answer may give the deployment, the model, or the model with its version's date.
        """
        if model is None or _names(model, self.own | {deployment}):
            return True
        return not _names(model, self.others)


NO_NAMES = Names()


@dataclass(frozen=True, slots=True)
class Found:
    """Jobs that may be the one that was sent; ``outcome`` tells whether the search worked."""

    outcome: Outcome
    jobs: Sequence[UpstreamJob] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """A file of a finished job, as a stream.

    Attributes:
        length: bytes announced by the provider, if it did.
        chunks: the bytes, once, in order; reading them may raise ``IntegrityError`` when the body
            stops short of ``length``.
    """

    content_type: str
    length: int | None
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Called:
    """What a provider's call says: of which job, and whether that is over (as far as it says)."""

    job_id: str
    is_over: bool = True


@dataclass(frozen=True, slots=True)
class KeptCharacter:
    """A character that the provider keeps, by its own id."""

    id: str


@runtime_checkable
class FindsJobs(Protocol):
    """A provider that lists its jobs, by which an unknown outcome can be reconciled."""

    async def find_submitted(self, submission: Submission, since: float) -> Found:
        """Jobs equal to the submission (model, prompt, size, seconds) created at or after
        ``since`` (Unix seconds), oldest first."""
        ...


@runtime_checkable
class CallsBack(Protocol):
    """A provider that calls ``Submission.callback_url`` when something has become of the job."""

    async def called_back(self, headers: Mapping[str, str], body: bytes) -> Called | None:
        """What a call tells; None when it is not the provider's, or tells of no job. ``headers``
        are in lower case. Where the provider signs, the signature is checked.

        The call is taken for a hint only: the job is asked for before anything is believed.
        """
        ...


@runtime_checkable
class CharacterKeeper(Protocol):
    """A provider that keeps characters."""

    async def create_character(self, name: str, clip: SourceFile) -> KeptCharacter | Outcome:
        """Keep the clip under a name."""
        ...


class VideoProvider(Protocol):
    """An upstream API that renders videos.

    No method raises for an answer that can be expected; see ``dailies.providers.outcomes``.
    """

    async def submit(self, submission: Submission) -> Outcome:
        """Ask for a video. ``ACCEPTED`` carries the job; ``UNKNOWN`` must be reconciled."""
        ...

    async def status(self, job_id: str) -> Outcome:
        """How the job is doing."""
        ...

    def open_content(
        self, job_id: str, variant: Variant
    ) -> AbstractAsyncContextManager[Content | Outcome]:
        """Open one file of a finished job; an ``Outcome`` when there is none to be had.

        ``job_id`` is the job's, or that of one of its ``generations`` where the job has any.
        """
        ...

    async def cancel(self, job_id: str) -> Outcome:
        """Stop the job, or delete it once it is done; ``ACCEPTED`` also when it was gone."""
        ...


def _names(model: str, known: Collection[str]) -> bool:
    bare = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model.lower())
    return any(name.lower() in (model.lower(), bare) for name in known)


async def find_submitted(provider: VideoProvider, submission: Submission, since: float) -> Found:
    """As ``FindsJobs.find_submitted``; of a provider without that ability nobody can know."""
    if isinstance(provider, FindsJobs):
        return await provider.find_submitted(submission, since)
    return Found(
        Outcome(Kind.UNKNOWN, code="no_list", message="The provider has no list of its jobs.")
    )
