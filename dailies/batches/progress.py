"""What one turn at a batch has come to, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from dailies.video.basics import VideoError
from dailies.video.batch import Batch, BatchStatus, Shot, ShotState, UnderWay
from dailies.video.money import to_micros

__all__ = ["Turn"]


@dataclass(slots=True)
class Turn:
    """What one turn has found out and begun.

    Attributes:
        batch: as it was read.
        shots: what is to be written of them.
        again: shots that had failed before, and were begun anew.
        pause: why it is to be paused.
        wait: for how many seconds there is no room for more.
    """

    batch: Batch
    shots: list[Shot] = field(default_factory=list)
    under_way: list[UnderWay] = field(default_factory=list)
    rendering: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    spent_micros: int = 0
    again: int = 0
    cursor: int = 0
    is_fed: bool = False
    has_more: bool = False
    pause: VideoError | None = None

    def ends(self, shot: Shot) -> None:
        """A shot has ended."""
        self.shots.append(shot)
        self.completed += shot.state is ShotState.COMPLETED
        self.failed += shot.state is ShotState.FAILED
        self.cancelled += shot.state is ShotState.CANCELLED
        self.spent_micros += to_micros(shot.cost_usd or 0.0)

    def begins(self, video: UnderWay) -> None:
        """A shot has its video."""
        about = video.model_dump(exclude={"micros"})
        self.shots.append(
            Shot.model_validate({**about, "run": self.batch.run, "state": ShotState.RUNNING})
        )
        self.under_way.append(video)

    @property
    def committed_micros(self) -> int:
        """What is spent, and the most that those under way could cost."""
        held = sum(each.micros or 0 for each in self.under_way)
        return self.batch.spent_micros + self.spent_micros + held

    def applied(self, current: Batch) -> Batch:
        """The batch with all of it, unless another turn was faster."""
        before = self.batch
        if current.turn != before.turn or current.status.is_final:
            return current
        # Its owner may have resumed it meanwhile, with another limit or key: then why may be over.
        is_as_read = (current.limit_usd, current.key_id) == (before.limit_usd, before.key_id)
        is_going = current.status is BatchStatus.IN_PROGRESS
        pauses = self.pause is not None and is_going and is_as_read
        return current.with_changes(
            turn=before.turn + 1,
            cursor=self.cursor,
            is_fed=self.is_fed,
            under_way=tuple(self.under_way),
            rendering=self.rendering,
            completed=before.completed + self.completed,
            failed=before.failed + self.failed - self.again,
            cancelled=before.cancelled + self.cancelled,
            spent_micros=before.spent_micros + self.spent_micros,
            **({"status": BatchStatus.PAUSED, "reason": self.pause} if pauses else {}),
        )
