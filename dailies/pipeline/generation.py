"""A video as services for generative AI read it: one span, from accepted to ended.

By OpenTelemetry's conventions for generative AI (semantic-conventions-genai, spans of inference).
It is told once, by whoever brought the end about, and is a child of the span that accepted the
video. What was asked for in words is in it only where the operator has chosen so.
"""

from __future__ import annotations

import json

from dailies.telemetry.spans import Attributes, SpanKind, past_span
from dailies.video.basics import Variant
from dailies.video.record import VideoRecord

__all__ = ["OPERATION", "tell_generation"]

OPERATION = "generate_content"


def tell_generation(record: VideoRecord, *, with_prompt: bool) -> None:
    """Tell of a video that has ended.

    Args:
        with_prompt: and of its prompt and where its file is.
    """
    request = record.request
    attributes: Attributes = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.output.type": "video",
        "gen_ai.provider.name": record.submit.provider,
        "gen_ai.request.model": request.model,
        "gen_ai.request.seed": request.seed,
        "gen_ai.request.choice.count": request.n_variants if request.n_variants > 1 else None,
        "gen_ai.response.id": record.submit.job_id,
        # LangSmith tells a model's run from a step by it, where the operation is none of a chat.
        "langsmith.span.kind": "llm",
        "dailies.video.id": record.id,
        "dailies.owner": record.owner,
        "dailies.model": request.model,
        "dailies.deployment": record.submit.deployment,
        "dailies.source": record.source.kind.value,
        "dailies.outcome": record.phase.outcome,
        "dailies.video.seconds": request.seconds,
        "dailies.video.size": str(request.size),
        "dailies.cost.usd": record.cost_usd,
        "dailies.cost.is_estimate": record.cost_is_estimate,
        **(_words(record) if with_prompt else {}),
    }
    past_span(
        f"{OPERATION} {request.model}",
        kind=SpanKind.CLIENT,
        parent=record.traceparent,
        began=record.created_at,
        ended=record.completed_at or record.created_at,
        attributes=attributes,
        error=record.error.code if record.error else None,
    )


def _words(record: VideoRecord) -> Attributes:
    """The prompt, and the file as an answer. Services read the conventions of today, the ones
    before, or both: each is told."""
    prompt = record.request.prompt
    asked = [{"role": "user", "parts": [{"type": "text", "content": prompt}]}]
    words = {
        "gen_ai.input.messages": json.dumps(asked, ensure_ascii=False),
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": prompt,
    }
    file = record.files.get(Variant.VIDEO)
    if file is not None:
        part = {
            "type": "uri",
            "modality": "video",
            "mime_type": file.content_type,
            "uri": file.blob,
        }
        answer = [{"role": "assistant", "parts": [part], "finish_reason": "stop"}]
        words |= {
            "gen_ai.output.messages": json.dumps(answer, ensure_ascii=False),
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": file.blob,
        }
    return words
