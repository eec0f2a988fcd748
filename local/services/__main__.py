"""``python -m local.services``: see ``local/README.md``."""

from __future__ import annotations

import asyncio
import sys

from local.services.server import serve
from local.services.settings import parse


def main() -> int:
    """Run until a signal; returns the exit status."""
    options = parse()
    try:
        asyncio.run(serve(options))
    except OSError as exc:
        print(f"local.services: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
