"""What is searched for among the videos of all owners, and what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dailies.video.basics import Phase, Status
from dailies.video.record import VideoRecord

__all__ = ["ALWAYS", "Found", "Search"]

ALWAYS = ("Status", "Phase", "Model")
"""The columns that the rows of all versions have."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which videos are wanted; what is None does not matter. Times are Unix seconds.

    Attributes:
        blob: what the name of the dropped image begins with.
        code: of the error that it ended with.
    """

    owner: str | None = None
    status: Status | None = None
    phase: Phase | None = None
    model: str | None = None
    provider: str | None = None
    deployment: str | None = None
    key_id: str | None = None
    tag: str | None = None
    user: str | None = None
    blob: str | None = None
    code: str | None = None
    created_after: float | None = None
    created_before: float | None = None

    def takes(self, columns: Mapping[str, Any]) -> bool:
        """Whether the video of these columns is one of them, its time and owner aside."""
        blob, tags = str(columns.get("Blob", "")), str(columns.get("Tags", ""))
        return (
            all(columns.get(name) == value for name, value in self._equal.items())
            and (self.tag is None or self.tag in tags.split("\n"))
            and (self.blob is None or blob.startswith(self.blob))
        )

    @property
    def takes_all(self) -> bool:
        """Whether all that was created in its time is wanted."""
        return self == Search(
            owner=self.owner,
            created_after=self.created_after,
            created_before=self.created_before,
        )

    @property
    def _equal(self) -> dict[str, str]:
        wanted = {
            "Status": self.status,
            "Phase": self.phase,
            "Model": self.model,
            "Provider": self.provider,
            "Deployment": self.deployment,
            "Code": self.code,
            "KeyId": self.key_id,
            "User": self.user,
        }
        return {name: str(value) for name, value in wanted.items() if value is not None}

    def filters(self, *, all_columns: bool) -> dict[str, str]:
        """What storage itself can tell by equal columns: by all of them, or by those that rows of
        before have too."""
        equal = self._equal
        # Only what failed has a code.
        status = {"Status": Status.FAILED.value} if self.code is not None else {}
        return {**status, **{n: v for n, v in equal.items() if all_columns or n in ALWAYS}}


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was searched for, newest first.

    Attributes:
        scanned: how many videos were looked at for it.
        after: where the next page goes on; None where there is none.
    """

    records: Sequence[VideoRecord]
    scanned: int
    after: str | None
