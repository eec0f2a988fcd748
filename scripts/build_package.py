"""Builds the deployment package: a zip of the project without what ``.funcignore`` names.

It holds what ``azd deploy`` and ``func pack`` send: sources and ``requirements.txt``, no installed
dependencies; the remote build installs those. Usage: ``python scripts/build_package.py OUT.zip``.
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

__all__ = ["build", "packaged_files"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can tell: equal sources, equal bytes
_NEEDED = ("host.json", "function_app.py", "requirements.txt")


def packaged_files(root: Path) -> Iterator[Path]:
    """The files of the package, relative to ``root``, in order.

    Raises:
        FileNotFoundError: there is no ``.funcignore``, so everything would be packed.
    """
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text("utf-8").splitlines())
    for folder, names, files in os.walk(root):
        here = Path(folder).relative_to(root)
        names[:] = sorted(n for n in names if not ignored.match_file(f"{(here / n).as_posix()}/"))
        yield from (here / n for n in sorted(files) if not ignored.match_file(str(here / n)))


def build(root: Path, target: Path) -> list[str]:
    """Write the package to ``target``; returns the names in it.

    Raises:
        FileNotFoundError: a file is missing without which nothing starts.
    """
    names = [path.as_posix() for path in packaged_files(root)]
    for needed in _NEEDED:
        if needed not in names:
            raise FileNotFoundError(f"{needed} is not in the package; look at {root}/.funcignore")
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (root / name).read_bytes())
    return names


def main() -> int:
    """Build the package of the project that this script lies in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="the zip to write")
    target: Path = parser.parse_args().target
    names = build(Path(__file__).resolve().parent.parent, target)
    print(f"{target}: {len(names)} files, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
