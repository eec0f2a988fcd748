"""What a dry run is answered with."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from dailies.pipeline.forecast import Forecast
from dailies.protocols.openai.objects import RequestWarning, VideoFailure
from dailies.video.request import Role

__all__ = ["DryRun", "dry_run_object"]

_ROLES: dict[Role, Literal["first_frame", "last_frame", "reference", "frame"]] = {
    Role.FIRST: "first_frame",
    Role.LAST: "last_frame",
    Role.REFERENCE: "reference",
    Role.FRAME: "frame",
}


class DryRunImage(BaseModel):
    """An image as it would be sent, fitted."""

    role: Literal["first_frame", "last_frame", "reference", "frame"]
    size: str


class DryRun(BaseModel):
    """What would become of a request, if it were accepted now. Times are Unix seconds."""

    object: Literal["video.dry_run"] = "video.dry_run"
    model: str
    seconds: str
    size: str
    n_variants: int
    images: list[DryRunImage]
    provider: str | None = Field(description="Who would make it; null where nobody is left.")
    deployment: str | None
    starts_at: int | None = Field(description="When it would be sent; null where nobody knows.")
    ends_at: int | None
    render_seconds: float | None = Field(description="How long such a render usually takes.")
    cost_usd: float | None = Field(description="What it would cost; null where nobody tells.")
    error: VideoFailure | None = Field(description="With which it would fail at once.")
    warnings: tuple[RequestWarning, ...] = Field(default=(), exclude_if=operator.not_)


def dry_run_object(forecast: Forecast, warnings: Sequence[RequestWarning]) -> DryRun:
    """The public object of a forecast."""
    request, error = forecast.request, forecast.error
    return DryRun(
        model=request.model,
        seconds=str(request.total_seconds),
        size=str(request.size),
        n_variants=request.n_variants,
        images=[
            DryRunImage(role=_ROLES[each.role], size=str(each.size)) for each in forecast.pictures
        ],
        provider=forecast.provider,
        deployment=forecast.deployment,
        starts_at=None if forecast.starts_at is None else math.ceil(forecast.starts_at),
        ends_at=None if forecast.ends_at is None else math.ceil(forecast.ends_at),
        render_seconds=forecast.render_seconds,
        cost_usd=forecast.cost_usd,
        error=None if error is None else VideoFailure.model_validate(error),
        warnings=tuple(warnings),
    )
