"""Measure and print: ``python -m bench.litellm [--rounds 5] [--seconds 10] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.litellm.contest import DownloadRound, NoVideo, Plan, Results, run
from bench.litellm.environment import EnvironmentFailed, ensure
from bench.litellm.load import Retrieves, WrongAnswer
from bench.litellm.proxy import ProxyFailed
from local.stack.errors import StackError

_MIB = 1024**2


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 after a message when something could not be started."""
    options = _options(arguments)
    plan = Plan(
        rounds=options.rounds,
        seconds=options.seconds,
        concurrency=16,
        parallel=8,
        workers=options.workers,
    )
    try:
        ensure()
        with tempfile.TemporaryDirectory(prefix="dailies-bench-") as directory:
            results = run(plan, Path(directory))
    except (EnvironmentFailed, ProxyFailed, StackError, WrongAnswer, NoVideo) as error:
        print(error, file=sys.stderr)
        return 1
    print(report(results))
    if options.json:
        options.json.write_text(json.dumps(asdict(results), indent=2) + "\n", encoding="utf-8")
    return 0


def report(results: Results) -> str:
    """The medians of all rounds as Markdown, with the ratios of each round's pair."""
    ours, theirs = results.retrieves["dailies"], results.retrieves["litellm"]
    lines = ["| retrieve | Dailies | LiteLLM | ratio |", "|---|---|---|---|"]
    for title, read in _RETRIEVE_ROWS:
        lines.append(_row(title, [read(r) for r in ours], [read(r) for r in theirs], "{:.1f}"))
    linked, proxied, streamed = (
        results.downloads[name] for name in ("dailies", "litellm", "stream")
    )
    lines += ["", "| download | Dailies | LiteLLM | ratio | Dailies, streaming |"]
    lines += ["|---|---|---|---|---|"]
    for title, form, look in _DOWNLOAD_ROWS:
        row = _row(title, [look(r) for r in linked], [look(r) for r in proxied], form)
        lines.append(f"{row} {form.format(statistics.median(look(r) for r in streamed))} |")
    return "\n".join(lines)


_RETRIEVE_ROWS: list[tuple[str, Callable[[Retrieves], float]]] = [
    ("p50, ms", lambda r: r.p50),
    ("p95, ms", lambda r: r.p95),
    ("requests/s", lambda r: r.rate),
]
_DOWNLOAD_ROWS: list[tuple[str, str, Callable[[DownloadRound], float]]] = [
    ("first byte (median), ms", "{:.0f}", lambda r: r.downloads.first_byte * 1e3),
    ("first byte (last of all), ms", "{:.0f}", lambda r: r.downloads.last_first_byte * 1e3),
    ("throughput, MiB/s", "{:.0f}", lambda r: r.downloads.rate / _MIB),
    ("server's memory rises by, MiB", "{:.1f}", lambda r: r.growth / _MIB),
    ("storage emulator's rises by, MiB", "{:.1f}", lambda r: r.beside / _MIB),
]


def _row(title: str, ours: Sequence[float], theirs: Sequence[float], form: str) -> str:
    """Medians, and the median of the ratios of rounds that were made one after the other."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True) if other]
    ratio = f"{statistics.median(ratios):.3g}" if ratios else "-"
    cells = (form.format(statistics.median(ours)), form.format(statistics.median(theirs)), ratio)
    return f"| {title} | {' | '.join(cells)} |"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.litellm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each kind and server")
    parser.add_argument("--seconds", type=float, default=10, help="of one round of retrieves")
    parser.add_argument("--workers", type=int, default=1, help="processes of LiteLLM's proxy")
    parser.add_argument("--json", type=Path, help="write all rounds here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
