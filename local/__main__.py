"""``python -m local start``, ``demo`` and ``drop``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local.stack.errors import StackError
from local.stack.layout import APP_DIR, DEFAULT_STATE_DIR
from local.stack.options import StackOptions

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command in ``arguments``; the exit status is 0, or 1 after a message on stderr."""
    options = _parser().parse_args(arguments)
    commands = {"start": _start, "demo": _demo, "drop": _drop}
    try:
        return commands[options.command](options)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


# Each command imports what it needs: the stack's supervisor stays small for as long as it runs.


def _start(options: argparse.Namespace) -> int:
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
            telemetry=options.telemetry,
            guarded=options.guarded,
            app_dir=options.app_dir.resolve(),
            like_azure=options.like_azure,
            few_frames=options.few_frames,
        )
    )


def _demo(options: argparse.Namespace) -> int:
    from local.demo.run import demo

    return demo(out=options.out, speed=options.speed)


def _drop(options: argparse.Namespace) -> int:
    from local.stack.drop import drop_image

    chosen = {name: getattr(options, name) for name in ("model", "seconds", "size", "fit")}
    blob = drop_image(
        options.image,
        state_dir=options.state_dir,
        prompt=options.prompt,
        name=options.name,
        parameters={name: value for name, value in chosen.items() if value is not None},
    )
    print(f"dropped {blob}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The one-machine stack.")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="run the app with all that it needs")
    start.add_argument("--port", type=int, default=7071, help="of the app; 0 picks one")
    _add_state_dir(start, "what outlives the processes")
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
        "--guarded",
        action="store_true",
        help="ask the simulated Content Safety about all that is to be made",
    )
    start.add_argument(
        "--telemetry",
        action="store_true",
        help="collect the app's traces and metrics, under /_inspect/traces and /_inspect/metrics",
    )
    start.add_argument(
        "--app-dir",
        type=Path,
        default=APP_DIR,
        help="the app, where it is not this checkout: a built package, unpacked",
    )
    start.add_argument(
        "--like-azure",
        action="store_true",
        help="a host as slow as Azure's after it was killed, and with timers; scaled by --speed",
    )
    start.add_argument(
        "--few-frames",
        action="store_true",
        help="videos of their length and size with a few frames only: a quarter of the work",
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
    drop = commands.add_parser("drop", help="put an image into the container references")
    drop.add_argument("image", type=Path)
    drop.add_argument("--prompt", help="without it, a sidecar or _defaults.json has to have one")
    drop.add_argument("--name", help="of the blob, folders included (default: the file's)")
    for name in ("model", "seconds", "size", "fit"):
        drop.add_argument(f"--{name}")
    _add_state_dir(drop, "of the running stack")
    return parser


def _add_state_dir(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument(
        "--state-dir", type=Path, default=DEFAULT_STATE_DIR, help=f"{text} (default: %(default)s)"
    )


if __name__ == "__main__":
    sys.exit(main())
