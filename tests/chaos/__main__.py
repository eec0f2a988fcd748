"""``python -m tests.chaos``: the campaign, as a table; exit status 1 when a promise was broken."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.campaign import SETTINGS, campaign_on, run_campaign
from tests.stack import attached_stack


def main() -> int:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Order many videos on a local stack while its worker and host are killed, "
        "then check that each was delivered once and paid once.",
    )
    parser.add_argument("--videos", type=int, default=300, help="(default: %(default)s)")
    parser.add_argument("--kills", type=int, default=110, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, help="repeats a campaign (default: a new one)")
    parser.add_argument(
        "--state-dir", type=Path, help="keep logs and state there (default: a temporary directory)"
    )
    settings = " ".join(f"{name}={value}" for name, value in SETTINGS.items())
    parser.add_argument(
        "--stack",
        type=Path,
        metavar="READY.json",
        help="a fresh stack that runs already and is left running: made by `make start "
        f'ARGS="--speed 60 --unlimited"` with {settings}',
    )
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    print(f"chaos: {given.videos} videos, {given.kills} kills, --seed {seed}", flush=True)
    size = {"videos": given.videos, "kills": given.kills, "seed": seed}
    if given.stack is not None:
        with attached_stack(given.stack) as stack:
            verdict = campaign_on(stack, **size)
    else:
        with tempfile.TemporaryDirectory(prefix="dailies-chaos-") as temporary:
            verdict = run_campaign(given.state_dir or Path(temporary), **size)
    print(verdict.table())
    return 1 if verdict.misses else 0


if __name__ == "__main__":
    sys.exit(main())
