"""Becomes the program in its arguments, after asking the kernel to kill it when its parent dies.

Used as a script: ``python -I -S die_with_parent.py <parent's pid> <program> [argument…]``. It is a
program between the two, and not a function run between fork and exec, because the latter may hang
in a process with threads. The request survives exec; the process id stays the same. Linux only;
elsewhere nothing is asked for, and parts outlive a supervisor that was killed with SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(arguments: list[str]) -> NoReturn:
    """Become the program; exit with status 1 when the parent is already gone."""
    parent, *command = arguments
    if sys.platform == "linux":
        import ctypes  # slow to import, and of no use elsewhere

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != int(parent):
        sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        sys.exit(f"can't run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
