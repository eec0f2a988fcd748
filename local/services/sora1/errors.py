"""Sora 1's own error envelope, which is flat; Azure's gateway answers in the wrapped one."""

from __future__ import annotations

from typing import Any

from local.services.errors import ServiceError


def flat_error(
    status: int,
    message: str,
    *,
    code: str,
    param: str | None = None,
    inner_error: dict[str, Any] | None = None,
) -> ServiceError:
    """``{code, message, param, type, inner_error}``."""
    return ServiceError(
        status,
        {
            "code": code,
            "message": message,
            "param": param,
            "type": "invalid_request_error",
            "inner_error": inner_error,
        },
    )


def bad_parameter(param: str, message: str) -> ServiceError:
    """A parameter that can't be used; the message says what can."""
    return flat_error(400, message, code="invalid_value", param=param)


def not_found(what: str, wanted: str) -> ServiceError:
    """No such job or generation: it never existed, was deleted, or its 24 hours are over."""
    return flat_error(404, f"{what} '{wanted}' was not found.", code="not_found")


def moderated(prompt: str) -> ServiceError:
    """A prompt that the content policy forbids."""
    inner = {
        "code": "ResponsibleAIPolicyViolation",
        "revised_prompt": prompt,
        "error_details": {"violence": {"filtered": True, "severity": "high"}},
    }
    return flat_error(
        400,
        "Your request was rejected as a result of our safety system.",
        code="content_policy_violation",
        param="prompt",
        inner_error=inner,
    )
