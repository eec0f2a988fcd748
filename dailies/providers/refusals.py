"""What several providers refuse in the same way, before anything is sent to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dailies.providers.outcomes import Kind, Outcome

__all__ = ["GOES_ON", "unknown_option"]

GOES_ON = Outcome(
    Kind.REFUSED,
    code="not_cancellable",
    message="The provider does not stop a running job; it ends by itself and is charged.",
)
"""The answer to a cancel, where there is none."""


def unknown_option(options: Mapping[str, Any], known: Collection[str]) -> Outcome | None:
    """What a caller is told who wants something of the provider that it is not asked for."""
    unknown = sorted(set(options) - set(known))
    if not unknown:
        return None
    takes = f"It takes {', '.join(sorted(known))}." if known else "It takes none."
    return Outcome(
        Kind.REFUSED,
        code="unknown_option",
        message=f"The provider has no option '{unknown[0][:64]}'. {takes}",
        param="provider_options",
    )
