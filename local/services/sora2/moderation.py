"""Prompts that are refused before a job exists."""

from __future__ import annotations

from typing import Any

from local.services.directives import asks_for_content_filter, asks_for_input_moderation
from local.services.errors import ServiceError, openai_error


def check_moderation(prompt: str) -> None:
    """Pass a prompt that nothing is wrong with.

    Raises:
        ServiceError: 400 in one of the two forms that Azure uses.
    """
    if asks_for_input_moderation(prompt):
        raise openai_error(
            400,
            "The request is blocked by our moderation system when checking inputs. Possible "
            "reasons: people-in-user-uploads",
        )
    if asks_for_content_filter(prompt):
        raise _content_filter()


def _content_filter() -> ServiceError:
    error: dict[str, Any] = {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
        "management policy. Please modify your prompt and retry.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {
                "hate": {"filtered": False, "severity": "safe"},
                "self_harm": {"filtered": False, "severity": "safe"},
                "sexual": {"filtered": False, "severity": "safe"},
                "violence": {"filtered": True, "severity": "high"},
            },
        },
    }
    return ServiceError(400, {"error": error})
