"""What the OpenAPI document says of the errors."""

from __future__ import annotations

from typing import Any

from dailies.api.documents import answers, content_answers
from dailies.protocols.openai.objects import ErrorBody, ErrorEnvelope

__all__ = ["FlatErrorBody", "flat_answers", "flat_content_answers"]


class FlatErrorBody(ErrorBody):
    """The jobs API's own errors: the fields without an envelope around them."""

    inner_error: dict[str, Any] | None


_ENVELOPE = FlatErrorBody | ErrorEnvelope


def flat_answers(*errors: int, **further: Any) -> dict[int | str, dict[str, Any]]:
    """``answers`` of a route whose errors are flat, or wrapped where the gateway gives them."""
    return answers(*errors, envelope=_ENVELOPE, **further)


def flat_content_answers() -> dict[int | str, dict[str, Any]]:
    """``content_answers`` of the same."""
    return content_answers("video/mp4", "image/webp", "image/jpg", "image/jpeg", envelope=_ENVELOPE)
