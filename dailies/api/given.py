"""What a caller sent, all of it accounted for.

Nothing is dropped in silence. A field that the call can do nothing with, though its sender surely
meant something by it, is refused; one that nobody knows is answered with a warning; and so that no
paid video is made without the picture that came with the request, a file that is still unread when
the request is understood is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from dailies.api.bodies import Body, Upload
from dailies.protocols.openai.objects import RequestWarning
from dailies.protocols.vocabulary import Vocabulary
from dailies.video.errors import InvalidRequest, RequestError

__all__ = ["Given", "in_callers_words", "read_given"]

_MOST_WARNINGS = 20
_LONGEST_NAME = 64
_UNREMARKABLE = frozenset({"custom_llm_provider"})
"""What clients add by themselves, and nobody misses."""
_UNKEPT = {"metadata": "It is not kept; 'user' is kept and given back."}


@dataclass(frozen=True, slots=True)
class Given:
    """A body that is accounted for, and what its sender is to be told."""

    body: Body = field(repr=False)
    vocabulary: Vocabulary
    warnings: list[RequestWarning]

    def warn_unused(self, name: str, why: str) -> None:
        """Tell the caller of a field that changes nothing in this request."""
        told = f"'{name}' changed nothing. {why}"
        self.warnings.append(RequestWarning(param=name, code="unused_parameter", message=told))

    def check_files(self) -> None:
        """Refuse a file that nobody has taken; called once everything that is read is.

        Raises:
            InvalidRequest: naming the file's field, and the one that is read.
        """
        for upload in self.body.untaken:
            holders = (name for name, value in self.body.fields.items() if value is upload)
            raise _unread(next(holders, self.vocabulary.file or ""), self.vocabulary)


@contextmanager
def in_callers_words(names: Mapping[str, str]) -> Iterator[None]:
    """Let errors name the fields as the caller does: by ``names``, where those differ."""
    try:
        yield
    except RequestError as error:
        error.param = names.get(error.param or "", error.param)
        raise


def read_given(body: Body, vocabulary: Vocabulary) -> Given:
    """Account for the fields of a body; null and empty texts count as left out.

    Raises:
        InvalidRequest: a field is refused; naming it and the remedy.
    """
    _refuse_files(body.fields, vocabulary)
    _refuse_names([name for name, _ in _unknown(body.fields, vocabulary.fields)], vocabulary)
    return Given(body, vocabulary, list(islice(_warnings(body.fields, vocabulary), _MOST_WARNINGS)))


def _refuse_files(fields: Mapping[str, Any], vocabulary: Vocabulary) -> None:
    """Refuse a file in a field that is not read."""
    for name, value in _unknown(fields, vocabulary.fields):
        if isinstance(value, Upload) and not vocabulary.names_files:
            raise _unread(name, vocabulary)
    for outer, keys in vocabulary.objects.items():
        for name, value in _unknown(fields.get(outer), keys):
            if isinstance(value, Upload):
                raise _unread(f"{outer}.{name}", vocabulary)


def _refuse_names(names: Sequence[str], vocabulary: Vocabulary) -> None:
    """Refuse what stands for something, and other spellings of what is read."""
    if not names:
        return
    refused = {_folded(name): remedy for name, remedy in vocabulary.refused.items()}
    known = {_folded(name): name for name in vocabulary.fields}
    for name in names:
        folded, shown = _folded(name), _shown(name)
        if folded in refused:
            raise InvalidRequest(
                f"Unsupported parameter: '{shown}'. {refused[folded]}",
                param=shown,
                code="unsupported_parameter",
            )
        if folded in known:
            raise InvalidRequest(
                f"Unknown parameter: '{shown}'. Write it '{known[folded]}'.",
                param=shown,
                code="unknown_parameter",
            )


def _warnings(fields: Mapping[str, Any], vocabulary: Vocabulary) -> Iterator[RequestWarning]:
    for name, value in _unknown(fields, vocabulary.fields | _UNREMARKABLE):
        if not isinstance(value, Upload):
            yield _warning(name, (*vocabulary.fields, *vocabulary.refused))
    for outer, keys in vocabulary.objects.items():
        for name, _ in _unknown(fields.get(outer), keys):
            yield _warning(name, keys, within=f"{outer}.")


def _unknown(fields: object, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The fields of an object that are not known and hold something."""
    if isinstance(fields, Mapping):
        for name, value in fields.items():
            if name not in known and value not in (None, ""):
                yield name, value


def _warning(name: str, known: Collection[str], within: str = "") -> RequestWarning:
    param = within + _shown(name)
    near = difflib.get_close_matches(name[:_LONGEST_NAME].lower(), sorted(known), n=1, cutoff=0.7)
    meant = f"Did you mean '{within}{near[0]}'?" if near else _UNKEPT.get(name, "")
    message = f"Unknown parameter: '{param}' was ignored. {meant}".rstrip()
    return RequestWarning(param=param, code="unknown_parameter", message=message)


def _unread(name: str, vocabulary: Vocabulary) -> InvalidRequest:
    """The error for a file that nobody reads, in the field of that name."""
    shown, expected, code = _shown(name), vocabulary.file, "unexpected_file"
    if expected is None:
        message = f"This call reads no file; leave '{shown}' out."
    elif name == expected:
        message, code = f"One file is read as '{shown}', and more came.", "too_many_files"
    else:
        message = f"A file is read as '{expected}' only, and not as '{shown}'. Send it there."
    return InvalidRequest(message, param=shown, code=code)


def _folded(name: str) -> str:
    """A name without what people spell differently: ``aspectRatio`` is ``aspect_ratio``."""
    return re.sub(r"[\W_]", "", name[: 2 * _LONGEST_NAME].lower())


def _shown(name: str) -> str:
    # JSON can spell half a character, which could not be sent back.
    return name[:_LONGEST_NAME].encode("utf-8", "replace").decode()
