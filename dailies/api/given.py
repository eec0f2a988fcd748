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

    def warn_untold(self, name: str, why: str) -> None:
        """Tell the caller of a field that is kept, and that no provider is told of."""
        told = f"'{name}' is kept, and not passed on. {why}"
        self.warnings.append(RequestWarning(param=name, code="not_passed_on", message=told))

    def check_files(self) -> None:
        """Refuse a file that nobody has taken; called once everything that is read is.

        Raises:
            InvalidRequest: naming the file's field, and the one that is read.
        """
        for upload in self.body.untaken:
            raise _unread(upload.where, self.vocabulary)


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
    unknown = dict(_unknown(body.fields, vocabulary.fields))
    if not vocabulary.names_files:
        # Where a picture belongs says more than that its field is none.
        for name, value in unknown.items():
            if _is_files(value):
                raise _unread(name, vocabulary)
    _refuse_names(list(unknown), vocabulary)
    _refuse_files(body, vocabulary)
    return Given(body, vocabulary, list(_warnings(body.fields, vocabulary)))


def _refuse_files(body: Body, vocabulary: Vocabulary) -> None:
    """Refuse a file where none is read, and what is no file where one is."""
    stray = [upload for upload in body.uploads if not _is_read(upload, vocabulary)]
    if stray:
        raise _unread(stray[0].where, vocabulary)
    if vocabulary.names_files and vocabulary.file is not None:
        value = body.fields.get(vocabulary.file)
        if value not in (None, "", []) and not _is_files(value):
            raise _unread(vocabulary.file, vocabulary)


def _is_read(upload: Upload, vocabulary: Vocabulary) -> bool:
    """Whether the call reads what stands where the file does."""
    if vocabulary.names_files:
        return bool(upload.filename)
    keys = upload.where.split(".")
    places = (".".join(keys[:depth]) for depth in range(1, len(keys)))
    known = [vocabulary.fields, *(vocabulary.objects.get(place) for place in places)]
    return all(read is None or key in read for key, read in zip(keys, known, strict=True))


def _is_files(value: object) -> bool:
    """A file, or several in a field that is a list."""
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(each, Upload) for each in values)


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
        field = name.partition("[")[0]
        if field != name and field in vocabulary.fields:
            # A form that takes an object apart: what can't be put together must not be ignored.
            raise InvalidRequest(
                f"'{shown}' can't be read. In a form, write '{field}' as JSON text; or send the "
                "request as JSON.",
                param=shown,
                code="unknown_parameter",
            )


def _warnings(fields: Mapping[str, Any], vocabulary: Vocabulary) -> Iterator[RequestWarning]:
    """One for each of the first that nobody knows, and one for all others."""
    ignored = list(_ignored(fields, vocabulary))
    shown, others = ignored[:_MOST_WARNINGS], ignored[_MOST_WARNINGS:]
    yield from (_warning(name, known, within) for name, known, within in shown)
    if others:
        name, _, within = others[0]
        param, rest = within + _shown(name), len(others) - 1
        named = f"'{param}' and {rest} more were" if rest else f"'{param}' was"
        yield RequestWarning(
            param=param, code="unknown_parameter", message=f"Unknown parameters: {named} ignored."
        )


def _ignored(
    fields: Mapping[str, Any], vocabulary: Vocabulary
) -> Iterator[tuple[str, Collection[str], str]]:
    """The names that nobody knows, each with those that are known where it is, and that place."""
    for name, value in _unknown(fields, vocabulary.fields | _UNREMARKABLE):
        if not _is_files(value):
            yield name, (*vocabulary.fields, *vocabulary.refused), ""
    for place, keys in vocabulary.objects.items():
        for found in _at(fields, place.split(".")):
            for name, _ in _unknown(found, keys):
                yield name, keys, f"{place}."


def _at(value: object, keys: Sequence[str]) -> Iterator[object]:
    """What stands at a place; each of them where there is an array on the way."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, keys)
    elif not keys:
        yield value
    elif isinstance(value, Mapping):
        yield from _at(value.get(keys[0]), keys[1:])


def _unknown(fields: object, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The fields of an object that are not known and hold something."""
    if isinstance(fields, Mapping):
        for name, value in fields.items():
            if name not in known and value not in (None, ""):
                yield name, value


def _warning(name: str, known: Collection[str], within: str) -> RequestWarning:
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
    elif vocabulary.names_files:
        message = (
            f"Invalid '{shown}': a file is read from a multipart form only. Attach it as a part "
            f"'{expected}' of a multipart form with a file name."
        )
    elif name == expected:
        message, code = f"One file is read as '{shown}', and more came.", "too_many_files"
    else:
        # What is no first frame has a remedy of its own, and must not become one.
        remedy = vocabulary.refused.get(name, "Send it there.")
        message = f"A file is read as '{expected}' only, and not as '{shown}'. {remedy}"
    return InvalidRequest(message, param=shown, code=code)


def _folded(name: str) -> str:
    """A name without what people spell differently: ``aspectRatio`` is ``aspect_ratio``."""
    return re.sub(r"[\W_]", "", name[: 2 * _LONGEST_NAME].lower())


def _shown(name: str) -> str:
    # JSON can spell half a character, which could not be sent back.
    return name[:_LONGEST_NAME].encode("utf-8", "replace").decode()
