"""Rules about the templates themselves: they parse, fit together, and leave nothing unused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath

from tests.infra.bicep import BicepFile
from tests.infra.project import Infra

__all__ = ["structure_problems"]

_DATED = re.compile(r"^20\d\d-\d\d-\d\d(-preview)?$")
# Types that have no version but a preview one.
_PREVIEW_ONLY = frozenset({"Microsoft.Insights/diagnosticSettings"})
_SPREAD = re.compile(r"^\s*\.\.\.", re.MULTILINE)
_HOOK_ENVIRONMENT = frozenset({"AZURE_SUBSCRIPTION_ID", "DAILIES_HOOK_PAUSE_SECONDS"})
_MAIN = "infra/main.bicep"
_PARAMETERS = "infra/main.bicepparam"
_GUIDE = "docs/operations.md"
_HOOK = "infra/hooks/postdeploy"


def structure_problems(infra: Infra) -> list[str]:
    """Everything that is wrong with the form of the templates, in words."""
    problems: list[str] = []
    for name, file in infra.bicep.items():
        problems += file.errors
        problems += _version_problems(name, file)
        problems += _module_problems(infra, name, file)
        problems += _unused(name, file)
    problems += _output_problems(infra)
    problems += _parameter_problems(infra)
    problems += _hook_problems(infra)
    return problems


def _version_problems(name: str, file: BicepFile) -> Iterator[str]:
    for resource in file.resources:
        version = resource.api_version
        if not _DATED.match(version):
            yield f"{name}: {resource.type} has no dated api version but {version!r}"
        elif version.endswith("-preview") and resource.type not in _PREVIEW_ONLY:
            yield f"{name}: {resource.type} uses the preview api version {version}"


def _module_problems(infra: Infra, name: str, file: BicepFile) -> Iterator[str]:
    if _SPREAD.search(file.text):
        yield f"{name}: a spread, which the checks can't read; use union()"
    for module in file.modules:
        target = infra.bicep.get(normpath(join(dirname(name), module.path)))
        if target is None:
            yield f"{name}: module {module.symbol} is at {module.path!r}, which is no file here"
            continue
        params = module.body.get("params", {})
        given = set(params) if isinstance(params, dict) else set()
        for extra in sorted(given - set(target.params)):
            yield f"{name}: module {module.symbol} has no parameter {extra}"
        needed = {param for param, how in target.params.items() if not how.optional}
        for missing in sorted(needed - given):
            yield f"{name}: module {module.symbol} needs the parameter {missing}"


def _unused(name: str, file: BicepFile) -> Iterator[str]:
    if name.endswith(".bicepparam"):
        return
    referred = [r.symbol for r in file.resources if r.existing]
    for word in [*file.params, *file.variables, *referred]:
        if len(re.findall(rf"\b{re.escape(word)}\b", _without_comments(file.text))) < 2:
            yield f"{name}: {word} is declared and not used"


def _without_comments(text: str) -> str:
    return re.sub(r"(?m)^\s*//.*$", "", text)


def _output_problems(infra: Infra) -> Iterator[str]:
    used: dict[str, set[str]] = {}
    for name, file in infra.bicep.items():
        for module in file.modules:
            path = normpath(join(dirname(name), module.path))
            target = infra.bicep.get(path)
            read = set(re.findall(rf"\b{module.symbol}\.outputs\.(\w+)", file.text))
            used.setdefault(path, set()).update(read)
            for unknown in sorted(read - set(target.outputs if target else ())):
                yield f"{name}: module {module.symbol} has no output {unknown}"
    for path, read in used.items():
        if path in infra.bicep:
            for output in sorted(set(infra.bicep[path].outputs) - read):
                yield f"{path}: the output {output} is not used"
    readers = "".join(
        text for name, text in infra.texts.items() if name == _GUIDE or name.startswith(_HOOK)
    )
    for output in infra.bicep[_MAIN].outputs:
        if output not in readers:
            yield f"{_MAIN}: the output {output} is read by no hook and not in {_GUIDE}"


def _parameter_problems(infra: Infra) -> Iterator[str]:
    main, given = set(infra.bicep[_MAIN].params), set(infra.bicep[_PARAMETERS].params)
    for name in sorted(main - given):
        yield f"{_PARAMETERS}: no value for {name}"
    for name in sorted(given - main):
        yield f"{_PARAMETERS}: {name} is no parameter of {_MAIN}"
    for name in re.findall(r"readEnvironmentVariable\('(\w+)'", infra.texts[_PARAMETERS]):
        if f"`{name}`" not in infra.texts[_GUIDE]:
            yield f"{_GUIDE}: the deployment setting {name} is not explained"


def _hook_problems(infra: Infra) -> Iterator[str]:
    outputs = set(infra.bicep[_MAIN].outputs)
    second_phase = set(infra.bicep["infra/blob-events.bicep"].params)
    for suffix in (".sh", ".ps1"):
        text = infra.texts[_HOOK + suffix]
        for name in sorted(set(re.findall(r"\b(?:DAILIES|AZURE)_[A-Z_]+", text))):
            if name not in outputs | _HOOK_ENVIRONMENT:
                yield f"{_HOOK}{suffix}: {name} is no output of {_MAIN}"
        given = set(re.findall(r"^\s+(\w+)=\"?\$", text.partition("--parameters")[2], re.MULTILINE))
        if given != second_phase:
            yield (
                f"{_HOOK}{suffix}: gives {sorted(given)}, "
                f"blob-events.bicep takes {sorted(second_phase)}"
            )
