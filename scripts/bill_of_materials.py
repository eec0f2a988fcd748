"""Tells what is in the package: ``OUT.cdx.json``, in CycloneDX, and ``OUT.licences.md``.

Fails where a licence is one that nobody has looked at. Usage, after the package was built:
``python -m scripts.bill_of_materials OUT.zip [--audit]``, where ``--audit`` asks PyPI whether
vulnerabilities of the packages are known.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.build_package import DEPENDENCIES
from scripts.uv import uv

__all__ = ["ACCEPTED", "licences", "table", "unknown"]

ACCEPTED = frozenset(
    {
        "Apache-2.0",
        "Apache-2.0 AND MIT",
        "Apache-2.0 OR BSD-3-Clause",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",  # certifi: a list of authorities, which is not changed
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        # what older packages have in place of an identifier
        "License :: Freely Distributable",
        "License :: OSI Approved :: Apache Software License",
        "License :: OSI Approved :: BSD License",
        "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
        "License :: Public Domain",
    }
)

BUNDLED = {
    "av": "its wheels bring FFmpeg (LGPL), and x264 and x265 (GPL-2.0-or-later)",
    "pillow_heif": "its wheels bring libheif and libde265 (LGPL), and x265 (GPL-2.0-or-later)",
}
"""What wheels hold beside their own code, and say in no field: it binds who hands it on."""

_ROOT = Path(__file__).resolve().parents[1]
_LOCK = _ROOT / "requirements-audit.txt"
_ENVIRONMENT = _ROOT / ".cache" / "audit"


def licences(bill: Mapping[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """Version and licences of each package of a bill of materials."""
    return {
        part["name"]: (part["version"], [_name(entry) for entry in part.get("licenses", [])])
        for part in bill["components"]
    }


def _name(entry: Mapping[str, Any]) -> str:
    named = entry.get("license", {})
    return str(entry.get("expression") or named.get("id") or named.get("name"))


def unknown(found: Mapping[str, tuple[str, list[str]]]) -> list[str]:
    """Packages whose licence is not told, or is none of those that were looked at."""
    return [
        f"{name} {version}: {', '.join(told) or 'no licence is told'}"
        for name, (version, told) in found.items()
        if not told or not set(told) <= ACCEPTED
    ]


def table(found: Mapping[str, tuple[str, list[str]]]) -> str:
    """A page with each package's licences, and what its wheels bring beside."""
    rows = [
        f"| {name} | {version} | {', '.join(told)} | {BUNDLED.get(name, '')} |"
        for name, (version, told) in sorted(found.items(), key=lambda item: item[0].lower())
    ]
    head = ["# Licences", "", "| package | version | licence | |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _tools() -> Path:
    """The folder of cyclonedx-py and pip-audit, of the locked versions."""
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(_ENVIRONMENT, symlinks=True)
    sync = ("pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(_LOCK))
    subprocess.run([str(uv()), *sync], check=True)  # noqa: S603 - a fixed program
    return python.parent


def _describe(tools: Path, packages: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as empty:
        # An environment whose packages are those of the package: that is what the tool reads.
        venv.create(empty, symlinks=True)
        (home,) = Path(empty).glob("lib/python*/site-packages")
        (home / "package.pth").write_text(f"{packages.resolve()}\n", encoding="utf-8")
        command = [str(tools / "cyclonedx-py"), "environment", f"{empty}/bin/python"]
        command += ["--pyproject", str(_ROOT / "pyproject.toml"), "--output-reproducible"]
        subprocess.run([*command, "-o", str(target)], check=True)  # noqa: S603 - a fixed program


def main() -> int:
    """Describe a package; 1 where a licence or a vulnerability wants to be looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="the zip of the package")
    parser.add_argument("--audit", action="store_true", help="look for known vulnerabilities")
    options = parser.parse_args()
    site: Path = options.target.with_suffix("")
    bill = site.with_suffix(".cdx.json")
    tools = _tools()
    _describe(tools, site / DEPENDENCIES, bill)
    found = licences(json.loads(bill.read_text(encoding="utf-8")))
    site.with_suffix(".licences.md").write_text(table(found), encoding="utf-8")
    print(f"{bill}: {len(found)} packages")
    for problem in (problems := unknown(found)):
        print(f"licence: {problem}; look at it, then name it in {__file__}", file=sys.stderr)
    if options.audit:
        command = [str(tools / "pip-audit"), "--require-hashes", "--disable-pip"]
        command += ["-r", str(_ROOT / "requirements.txt")]
        audit = subprocess.run(command, check=False)  # noqa: S603 - a fixed program
        return int(bool(problems) or audit.returncode != 0)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
