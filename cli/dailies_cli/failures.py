"""What ends a command, and with which exit status.

==  ====================================================
0   done
1   the app refused, or can't be reached
2   the command was written wrongly (Typer's own)
3   the video was not made: it failed, or was cancelled
==  ====================================================
"""

from __future__ import annotations

__all__ = ["Failure", "NotMade"]


class Failure(Exception):
    """What went wrong and what to do, for a person to read."""

    status = 1


class NotMade(Failure):
    """A video ended without a file."""

    status = 3
