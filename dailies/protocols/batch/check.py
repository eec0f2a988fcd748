"""A batch, looked at as a whole before anything of it is accepted: every line, and what it costs.

That is seconds of a processor's work for thousands of lines, so it is done piece by piece in a
thread. Shots that are right are written to a file on the way, as they will be made from: a batch is
never held whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, BinaryIO

from dailies.catalogue import Catalogue
from dailies.owners.key import Limits
from dailies.protocols.batch.lines import Form, Line, lines_of
from dailies.protocols.batch.options import Options, read_options
from dailies.protocols.batch.shots import (
    IMAGE_BLOB,
    IMAGE_FILE,
    NamedImage,
    ShotFields,
    plan_shot,
)
from dailies.protocols.pictures import Picture
from dailies.threads import Pool
from dailies.video.batch import PAGE_SHOTS
from dailies.video.errors import InvalidRequest, RequestError
from dailies.video.money import to_micros, to_usd

__all__ = ["MOST_SHOTS", "Check", "Fault", "KeptShot"]

MOST_SHOTS = 20_000
_MOST_FAULTS = 50
_AT_ONCE = 100
"""Lines that a thread looks at before others have their turn."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line: which field, and what to change; 0 is no line's."""

    line: int
    param: str | None
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class KeptShot:
    """A shot as the batch's file has it."""

    line: int
    shot: ShotFields

    def dump(self) -> bytes:
        """A line of the file."""
        image = self.shot.image
        document = {
            "line": self.line,
            "fields": dict(self.shot.fields),
            "custom_id": self.shot.custom_id,
            "image": None if image is None else [image.param, image.name],
        }
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def load(cls, raw: bytes) -> KeptShot:
        """The shot in a line."""
        document = json.loads(raw)
        image = document["image"]
        return cls(
            document["line"],
            ShotFields(
                document["fields"],
                document["custom_id"],
                None if image is None else NamedImage(*image),
            ),
        )


@dataclass(slots=True)
class Check:
    """What is found out about a batch, line by line.

    Attributes:
        limits: of the key that asks for it.
        out: where the shots that are right are written.
        given: what the query says, and a form beside the file; each goes before those after it, and
            all before the file's own words.
        files: the names of the images that came with it.
        may_name_blobs: whether images of the container of dropped images are its owner's.
        folder: where in that container the images lie that a dropped batch names; None for one that
            was sent.
        check_webhook: refuses what can't be the address of a webhook.
        check_image: the same of an image that is named by its address.
        micros: the most that all could cost, those aside that are ``unpriced``.
        blobs: the blobs that are named, each with the line that did so first.
    """

    catalogue: Catalogue
    limits: Limits
    out: BinaryIO
    given: Sequence[Mapping[str, Any]] = ()
    files: Collection[str] = ()
    may_name_blobs: bool = False
    folder: str | None = None
    check_webhook: Callable[[str], object] | None = None
    check_image: Callable[[str], object] | None = None
    options: Options = field(default_factory=Options)
    total: int = 0
    micros: int = 0
    unpriced: int = 0
    models: Counter[str] = field(default_factory=Counter)
    pages: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
    blobs: dict[str, int] = field(default_factory=dict)
    used_files: set[str] = field(default_factory=set)
    _begun: bool = False

    async def run(self, file: BinaryIO, form: Form, pool: Pool, documents: Pool) -> None:
        """Look at all lines of a file, a few at a time in a thread, in turn with others.

        Args:
            documents: a place of this one is held all the time by a JSON document, of which all is
                in memory.

        Raises:
            InvalidRequest: it can't be read at all, or says something wrong of the batch itself.
            TimeoutError: there is no thread for it.
        """
        lines = lines_of(file, form)
        async with documents.place() if form is Form.JSON else nullcontext():
            has_more = True
            while has_more:
                async with pool.place():
                    has_more = await pool.run(lambda: self._take(lines))
        self._finish()

    def _take(self, lines: Iterator[Line]) -> bool:
        taken = 0
        for line in islice(lines, _AT_ONCE):
            taken += 1
            self._look(line)
        return taken == _AT_ONCE

    def _look(self, line: Line) -> None:
        if not self._begun:
            self._begun = True
            self.options = read_options(*self.given, line.fields if line.is_head else {})
        if line.is_head:
            return
        self.total += 1
        if self.total > MOST_SHOTS:
            raise InvalidRequest(
                f"A batch has at most {MOST_SHOTS:,} shots. Send the others as another batch.",
                param="shots",
                code="too_many_shots",
            )
        if line.fault is not None:
            self.add_fault(line.number, line.fault)
            return
        try:
            self._take_shot(line)
        except RequestError as error:
            self.add_fault(line.number, error)

    def _take_shot(self, line: Line) -> None:
        shot = ShotFields.read(line.fields, self.options.defaults)
        planned = plan_shot(shot, self.catalogue, self.limits)
        webhook = planned.plan.wish.webhook
        if webhook is not None and self.check_webhook is not None:
            self.check_webhook(webhook.url)
        for picture in planned.pictures:
            self._check_picture(picture)
        if shot.image is not None:
            shot = replace(shot, image=self._found(shot.image, line.number))
        if planned.usd is None:
            self.unpriced += 1
        else:
            self.micros += to_micros(planned.usd)
        self.models[planned.plan.model.name] += 1
        if (self.total - 1) % PAGE_SHOTS == 0:
            self.pages.append(self.out.tell())
        self.out.write(KeptShot(line.number, shot).dump())

    def _check_picture(self, picture: Picture) -> None:
        if not isinstance(picture.source, str) or self.check_image is None:
            return
        try:
            self.check_image(picture.source)
        except InvalidRequest as error:
            error.param = picture.param
            raise

    def _found(self, image: NamedImage, line: int) -> NamedImage:
        if self.folder is not None and image.param == IMAGE_FILE:
            image = NamedImage(IMAGE_BLOB, f"{self.folder}{image.name}")
        if image.param == IMAGE_FILE:
            if image.name not in self.files:
                raise InvalidRequest(
                    f"No image '{image.name[:80]}' came with the batch. Send it as a file of the "
                    "multipart form, with that file name.",
                    param=IMAGE_FILE,
                    code="image_missing",
                )
            self.used_files.add(image.name)
        elif not self.may_name_blobs:
            raise InvalidRequest(
                f"'{IMAGE_BLOB}' is for those whose videos are made of dropped images. Send the "
                f"image with the batch, as '{IMAGE_FILE}', or name an https URL.",
                param=IMAGE_BLOB,
                code="unsupported_parameter",
            )
        else:
            self.blobs.setdefault(image.name, line)
        return image

    def _finish(self) -> None:
        if not self._begun:
            self.options = read_options(*self.given)
        if self.total == 0:
            raise InvalidRequest(
                "The batch has no shots. Send at least one.", param="shots", code="no_shots"
            )
        limit = self.options.limit_usd
        if limit is not None and self.unpriced:
            self.add_fault(
                0,
                InvalidRequest(
                    f"Nobody knows what {self.unpriced:,} of the shots cost, so no 'limit_usd' can "
                    "hold. Leave it out, or use models with prices.",
                    param="limit_usd",
                    code="price_unknown",
                ),
            )
        elif limit is not None and self.micros > to_micros(limit):
            self.add_fault(
                0,
                InvalidRequest(
                    f"The batch may cost ${to_usd(self.micros):,.2f}, which is more than its "
                    f"'limit_usd', ${limit:,.2f}. Raise it, or send fewer shots.",
                    param="limit_usd",
                    code="over_limit",
                ),
            )

    def add_fault(self, line: int, error: RequestError) -> None:
        """Note what is wrong with a line; of very many, the first."""
        self.fault_count += 1
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(line, error.param, error.code, error.message))
