"""``python -m local start`` and ``python -m local demo``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local.stack.errors import StackError
from local.stack.layout import DEFAULT_STATE_DIR
from local.stack.options import StackOptions

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command in ``arguments``; the exit status is 0, or 1 after a message on stderr."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "demo":
            from local.demo.run import demo

            return demo(out=options.out, speed=options.speed)
        from local.stack.start import run

        return run(
            StackOptions(
                port=options.port,
                state_dir=options.state_dir,
                speed=options.speed,
                ready_file=options.ready_file,
                sora_endpoint=options.sora_endpoint,
                unlimited=options.unlimited,
                host=options.host,
                subscribers=tuple(options.topic_subscriber),
            )
        )
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The one-machine stack.")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="run the app with all that it needs")
    start.add_argument("--port", type=int, default=7071, help="of the app; 0 picks one")
    start.add_argument(
        "--state-dir",
        type=Path,
        default=DEFAULT_STATE_DIR,
        help="what outlives the processes (default: %(default)s)",
    )
    start.add_argument(
        "--speed", type=float, default=1.0, help="simulated seconds per second (default: 1)"
    )
    start.add_argument("--ready-file", type=Path, help="JSON, written when all is up")
    start.add_argument(
        "--sora-endpoint", metavar="URL", help="a real or other server, not the simulated Sora"
    )
    start.add_argument("--unlimited", action="store_true", help="lift the simulated quotas")
    start.add_argument(
        "--topic-subscriber",
        metavar="URL",
        action="append",
        default=[],
        help="a webhook that gets every event; may be given several times",
    )
    start.add_argument(
        "--no-host",
        dest="host",
        action="store_false",
        help="leave the functions host out, to run the app with `func start`",
    )
    demo = commands.add_parser("demo", help="make two videos on a stack of their own")
    demo.add_argument("--out", type=Path, default=Path("out"), help="(default: %(default)s)")
    demo.add_argument("--speed", type=float, default=8.0, help="(default: %(default)g)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
