"""Microsoft's Bicep compiler, where this machine has it.

``BICEP`` names the program; without it the one on the path is taken. No subscription is needed:
``bicep snapshot`` evaluates a template to the resources that a deployment would make. Templates
are compiled once and evaluated for each set of values, as Azure does with what azd sends it.

``python -m tests.infra.compiler`` (``make infra-lint``) prints what it has to say today.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.project import ROOT

__all__ = [
    "MISSING",
    "RESOURCE_GROUP",
    "SUBSCRIPTION",
    "VERSION",
    "Compiler",
    "CompilerError",
    "find_compiler",
]

VERSION = "0.49.2"
"""The compiler that the snapshots are made with; another one may write things another way."""

MISSING = (
    f"no Bicep compiler: put bicep {VERSION} on the path, or name it with BICEP=/path/to/bicep; "
    "https://github.com/Azure/bicep/releases has it"
)
"""What to say where there is none."""

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "rg-test"
_CACHE = ROOT / ".cache" / "bicep"
_COMPILING = threading.Lock()
"""The first who needs the compiled templates compiles them, and the others wait for it."""
_USING = "using './main.bicep'"
_USING_COMPILED = "using './main.json'"
_TENANT = "00000000-0000-0000-0000-000000000002"

# Versions of Azure's interfaces grow old by themselves. Their age is taken on this day, so that a
# commit that passes goes on passing; `make infra-lint` takes it on the day that it runs.
_LOOKED_AT = "2026-11-28"
# A snapshot knows no cloud; these are of the public one.
_SUFFIX = "environment().suffixes.storage"
_PUBLIC_SUFFIX = "'core.windows.net'"
_AGES = "use-recent-api-versions"

# What the parameter file reads and has no default for.
_ANY = {"AZURE_ENV_NAME": "test", "AZURE_LOCATION": "swedencentral"}

# For machines that have no ICU library; and a run takes seconds, in which optimising by what was
# observed costs a fifth and gains nothing.
_RUNTIME = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_TieredPGO": "0"}
_FINDING = re.compile(
    r"(?P<file>[^\n(]+)\((?P<line>\d+),\d+\) : (?P<what>(?:Info|Warning|Error) .+?)(?= \[https:|$)",
    re.MULTILINE,
)


class CompilerError(Exception):
    """The compiler refused a template; its own words."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """One Bicep program. ``infra`` is the folder of the templates that it reads."""

    program: str
    infra: Path = ROOT / "infra"

    def version(self) -> str:
        """Its version, for example ``0.49.2``."""
        words = self._run(["--version"], cwd=self.infra).stdout.split()
        return next((word for word in words if word[0].isdigit()), "unknown")

    def lint(self, *, today: str | None = _LOOKED_AT) -> list[str]:
        """What it says about the templates, a finding a line; without ``today`` the clock's day."""
        with tempfile.TemporaryDirectory() as scratch:
            config = Path(scratch) / "bicepconfig.json"
            config.write_text(json.dumps(_configuration(self.infra, today)))
            options = ["--config", str(config)]
            runs = [
                self._run(["lint", "--pattern", "**/*.bicep", *options], cwd=self.infra),
                self._run(["lint", "main.bicepparam", *options], cwd=self.infra, environment=_ANY),
            ]
        text = "\n".join(done.stderr + done.stdout for done in runs)
        findings = [self._shown(match) for match in _FINDING.finditer(text)]
        if any(done.returncode for done in runs) and not findings:
            raise CompilerError(text)
        return sorted(set(findings))

    def predict(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """What ``main.bicep`` makes of these values of the azd environment: the raw snapshot.

        Raises:
            CompilerError: it refuses the templates or one of the values.
        """
        return self._snapshot("main.bicepparam", environment)

    def predict_blob_events(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """What ``blob-events.bicep`` makes of these parameters, as ``predict``."""
        lines = ["using 'blob-events.bicep'"]
        lines += [f"param {name} = '{value}'" for name, value in parameters.items()]
        return self._snapshot("second.bicepparam", {}, text="\n".join(lines))

    def _snapshot(
        self, name: str, environment: Mapping[str, str], text: str | None = None
    ) -> dict[str, Any]:
        # The snapshot is written beside the parameters, so they get a folder of their own.
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "infra"
            shutil.copytree(self.infra, folder, ignore=shutil.ignore_patterns("hooks"))
            main = folder / "main.bicep"
            main.write_text(main.read_text(encoding="utf-8").replace(_SUFFIX, _PUBLIC_SUFFIX))
            parameters = folder / name
            options = ["--subscription-id", SUBSCRIPTION, "--tenant-id", _TENANT]
            options += ["--deployment-name", "test"]
            if text is None:
                text = parameters.read_text(encoding="utf-8")
                assert _USING in text
                text = text.replace(_USING, _USING_COMPILED)
                shutil.copyfile(self._compiled(folder), folder / "main.json")
            else:  # of a resource group, where main.bicep is of a subscription
                options += ["--resource-group", RESOURCE_GROUP]
            parameters.write_text(text)
            cached = _CACHE / f"{self._digest(folder, options, environment)}.json"
            if not cached.is_file():
                done = self._run(["snapshot", name, *options], cwd=folder, environment=environment)
                _keep(parameters.with_suffix(".snapshot.json"), cached, done)
        document: dict[str, Any] = json.loads(cached.read_text(encoding="utf-8"))
        if document["diagnostics"]:
            raise CompilerError(json.dumps(document["diagnostics"], indent=2))
        return document

    def _compiled(self, folder: Path) -> Path:
        """``main.bicep`` as Azure gets it: most of the seconds that a snapshot would take."""
        arguments = ["build", "main.bicep", "--outfile", "main.json"]
        with _COMPILING:
            cached = _CACHE / f"{self._digest(folder, arguments, {})}.json"
            if not cached.is_file():
                _keep(folder / "main.json", cached, self._run(arguments, cwd=folder))
        return cached

    def _digest(self, folder: Path, options: Sequence[str], environment: Mapping[str, str]) -> str:
        """Of all that a document is made of; the same makes the same, and it takes seconds."""
        program = Path(shutil.which(self.program) or self.program).stat()
        made_of = [program.st_size, program.st_mtime_ns, *options, sorted(environment.items())]
        digest = hashlib.sha256(json.dumps(made_of).encode())
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(f"\0{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
        return digest.hexdigest()

    def _run(
        self, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            [self.program, *arguments],
            cwd=cwd,
            env={**kept, **(environment or {}), **_RUNTIME},  # not the machine's own azd values
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _shown(self, match: re.Match[str]) -> str:
        path = Path(match["file"])
        name = path.relative_to(self.infra) if path.is_relative_to(self.infra) else path
        return f"{name.as_posix()}:{match['line']}: {match['what']}"


def _keep(made: Path, cached: Path, done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode or not made.is_file():
        raise CompilerError(done.stderr + done.stdout)
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=_CACHE, delete=False) as partial:
        partial.write(made.read_text(encoding="utf-8"))
    os.replace(partial.name, cached)


def find_compiler() -> Compiler | None:
    """The compiler of this machine, or None.

    Raises:
        FileNotFoundError: ``BICEP`` names a program that is not there.
    """
    if named := os.environ.get("BICEP"):
        if shutil.which(named) is None:
            raise FileNotFoundError(f"BICEP is {named!r}, which is no program; unset or correct it")
        return Compiler(named)
    found = shutil.which("bicep")
    return Compiler(found) if found else None


def _configuration(infra: Path, today: str | None) -> dict[str, Any]:
    """``bicepconfig.json``, which may hold comments, with the day on which ages are taken."""
    lines = (infra / "bicepconfig.json").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("//"))
    document: dict[str, Any] = json.loads(text)
    if today is not None:
        document["analyzers"]["core"]["rules"][_AGES]["test-today"] = today
    return document


def main() -> int:
    """Print the compiler's findings of today; the exit status."""
    compiler = find_compiler()
    if compiler is None:
        print(MISSING, file=sys.stderr)
        return 1
    findings = compiler.lint(today=None)
    print("\n".join(findings) or "no warning")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
