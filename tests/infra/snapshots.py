"""The predicted resources that are kept in ``tests/infra/snapshots``, for reviews and for tests.

``default.yaml`` is a whole deployment. The others say how theirs differs from it, as a JSON merge
patch (RFC 7396): what is there is added or changed, ``null`` takes away. ``SHA256SUMS`` says which
templates they were made of, so that a machine without the compiler sees that they are of these.

``python -m tests.infra.snapshots`` (``make infra-snapshots``) writes them anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.infra.compiler import MISSING, VERSION, Compiler, CompilerError, find_compiler
from tests.infra.parameter_sets import BASE, PARAMETER_SETS, SECOND_PHASE
from tests.infra.predicted import Deployment, normalised
from tests.infra.project import ROOT

__all__ = [
    "FOLDER",
    "SECOND",
    "checksums",
    "kept",
    "kept_checksums",
    "merge_patch",
    "patched",
    "predicted",
    "rendered",
]

FOLDER = ROOT / "tests" / "infra" / "snapshots"
SECOND = "blob-events"
"""The name of the snapshot of ``blob-events.bicep``."""

_WHOLE = ("default", SECOND)
_INLINE = 72


def predicted(compiler: Compiler, name: str) -> Deployment:
    """What the templates make of the parameter set of this name, asked of the compiler."""
    folder = compiler.infra / "queries"
    queries = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.kql")}
    if name == SECOND:
        raw = compiler.predict_blob_events(SECOND_PHASE)
        return normalised(raw, {}, queries)
    environment = {**BASE, **PARAMETER_SETS[name]}
    return normalised(compiler.predict(environment), environment, queries)


def kept(name: str) -> Deployment:
    """What the snapshot of this name says."""
    document = _read(name)
    if name not in _WHOLE:
        document = patched(_read("default"), document)
    return Deployment(document["environment"], document["resources"], document["outputs"])


def rendered(name: str, deployment: Deployment, default: Deployment) -> str:
    """The text of a snapshot."""
    document = _document(deployment)
    if name not in _WHOLE:
        document = merge_patch(_document(default), document)
    return yaml.dump(document, Dumper=_Dumper, width=sys.maxsize, allow_unicode=True)


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What turns ``old`` into ``new``, neither of which holds nulls (RFC 7396)."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        before = old.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            if difference := merge_patch(before, value):
                patch[name] = difference
        elif before != value or type(before) is not type(value):
            patch[name] = value
    return patch


def patched(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``old`` with a merge patch applied (RFC 7396)."""
    result = {name: value for name, value in old.items() if name not in patch}
    for name, value in patch.items():
        before = old.get(name)
        if isinstance(value, dict):
            result[name] = patched(before if isinstance(before, dict) else {}, value)
        elif value is not None:
            result[name] = value
    return result


def checksums(root: Path = ROOT) -> dict[str, str]:
    """SHA-256 of each template by its path, in the form that ``SHA256SUMS`` has."""
    paths = [*(root / "infra").rglob("*.bicep"), *(root / "infra").rglob("*.bicepparam")]
    return {
        # As text, since git may lay lines out with another ending.
        path.relative_to(root).as_posix(): hashlib.sha256(
            path.read_text(encoding="utf-8").encode()
        ).hexdigest()
        for path in sorted(paths)
    }


def kept_checksums() -> dict[str, str]:
    """The templates that the snapshots were made of."""
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def _read(name: str) -> dict[str, Any]:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return {"environment": {}, "resources": {}, "outputs": {}, **document}


def _document(deployment: Deployment) -> dict[str, Any]:
    parts = ("environment", "resources", "outputs")
    return {part: dict(getattr(deployment, part)) for part in parts}


class _Dumper(yaml.SafeDumper):
    """Writes what is short in one line."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        return super().represent_mapping(tag, mapping, flow_style=_is_short(mapping))

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        return super().represent_sequence(tag, sequence, flow_style=_is_short(sequence))

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _is_short(value: Any) -> bool:
    return len(json.dumps(value)) <= _INLINE


def _write(compiler: Compiler) -> None:
    names = [*PARAMETER_SETS, SECOND]
    with ThreadPoolExecutor(max_workers=2) as pool:
        deployments = pool.map(lambda name: predicted(compiler, name), names)
        made = dict(zip(names, deployments, strict=True))
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.yaml"):
        old.unlink()
    for name, deployment in made.items():
        text = rendered(name, deployment, made["default"])
        (FOLDER / f"{name}.yaml").write_text(text, encoding="utf-8")
    lines = [f"{digest}  {path}\n" for path, digest in checksums().items()]
    (FOLDER / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def main() -> int:
    """Write the snapshots anew; the exit status."""
    compiler = find_compiler()
    if compiler is None:
        print(MISSING, file=sys.stderr)
        return 1
    if (version := compiler.version()) != VERSION:
        print(f"note: made with Bicep {version}, the tests expect {VERSION}", file=sys.stderr)
    try:
        _write(compiler)
    except CompilerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
