"""Rules about the templates that the compiler has none for: what is handed on, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath

from tests.infra.predicted import Deployment
from tests.infra.project import Infra

__all__ = ["structure_problems"]

_MAIN = "infra/main.bicep"
_SECOND = "infra/blob-events.bicep"
_PARAMETERS = "infra/main.bicepparam"
_GUIDE = "docs/operations.md"
_HOOK = "infra/hooks/postdeploy"
_HOOK_ENVIRONMENT = frozenset({"AZURE_SUBSCRIPTION_ID", "DAILIES_HOOK_PAUSE_SECONDS"})
# Types that have no newer version but a preview one.
_PREVIEW_ONLY = frozenset({"Microsoft.Insights/diagnosticSettings"})

_MODULE = re.compile(r"^module (\w+) '([^']+)'", re.MULTILINE)
_PARAM = re.compile(r"^param (\w+)", re.MULTILINE)
_DECORATED = re.compile(r"^((?:@[^\n]*\n)*)param (\w+)", re.MULTILINE)
_SECRET = re.compile(r"(?i)(keys?$|secret|password|sas$)")
_OUTPUT = re.compile(r"^output (\w+)", re.MULTILINE)
_VARIABLE = re.compile(r"readEnvironmentVariable\('(\w+)'")


def structure_problems(infra: Infra, deployments: Mapping[str, Deployment]) -> list[str]:
    """Everything that is made for nobody, or waited for in vain, in words."""
    return [
        *_module_problems(infra),
        *_secret_problems(infra),
        *_version_problems(deployments),
        *_output_problems(infra, deployments),
        *_parameter_problems(infra),
        *_switch_problems(infra, deployments),
        *_hook_problems(infra, deployments),
    ]


def _templates(infra: Infra) -> Mapping[str, str]:
    return {name: text for name, text in infra.texts.items() if name.endswith(".bicep")}


def _module_problems(infra: Infra) -> Iterator[str]:
    templates = _templates(infra)
    read: dict[str, set[str]] = {}
    for name, text in templates.items():
        for symbol, path in _MODULE.findall(text):
            target = normpath(join(dirname(name), path))
            if target not in templates:
                yield f"{name}: module {symbol} is at {path!r}, which is no file here"
            used = re.findall(rf"\b{symbol}!?\.\??outputs\.(\w+)", text)
            read.setdefault(target, set()).update(used)
    for name, text in templates.items():
        if name in (_MAIN, _SECOND):
            continue
        if name not in read:
            yield f"{name}: no template uses it"
        for output in set(_OUTPUT.findall(text)) - read.get(name, set()):
            yield f"{name}: the output {output} is not used"


def _secret_problems(infra: Infra) -> Iterator[str]:
    """A parameter that is not marked is kept in the history of deployments, module by module."""
    for name, text in _templates(infra).items():
        for decorators, param in _DECORATED.findall(text):
            if _SECRET.search(param) and "@secure()" not in decorators:
                yield f"{name}: the parameter {param} must be @secure()"


def _version_problems(deployments: Mapping[str, Deployment]) -> Iterator[str]:
    versions = {(r.type, str(r.at("apiVersion"))) for d in deployments.values() for r in d}
    for kind, version in sorted(versions):
        if version.endswith("-preview") and kind not in _PREVIEW_ONLY:
            yield f"{kind} uses the preview version {version}"


def _output_problems(infra: Infra, deployments: Mapping[str, Deployment]) -> Iterator[str]:
    readers = "".join(
        text for name, text in infra.texts.items() if name == _GUIDE or name.startswith(_HOOK)
    )
    for output in deployments["default"].outputs:
        if not re.search(rf"\b{output}\b", readers):
            yield f"{_MAIN}: the output {output} is read by no hook and not in {_GUIDE}"


def _parameter_problems(infra: Infra) -> Iterator[str]:
    # The compiler asks only for those that have no default.
    main, given = (set(_PARAM.findall(infra.texts[name])) for name in (_MAIN, _PARAMETERS))
    for name in sorted(main - given):
        yield f"{_PARAMETERS}: no value for {name}"
    for name in _VARIABLE.findall(infra.texts[_PARAMETERS]):
        if f"`{name}`" not in infra.texts[_GUIDE]:
            yield f"{_GUIDE}: the deployment setting {name} is not explained"


def _switch_problems(infra: Infra, deployments: Mapping[str, Deployment]) -> Iterator[str]:
    """What no parameter set turns is predicted by nobody."""
    default = deployments["default"]
    turned = {name for d in deployments.values() for name in d.environment}
    for name in sorted(set(_VARIABLE.findall(infra.texts[_PARAMETERS])) - turned):
        yield f"no parameter set gives {name}"
    for name, deployment in deployments.items():
        same = (deployment.resources, deployment.outputs) == (default.resources, default.outputs)
        if deployment is not default and same:
            yield f"{name}: nothing differs from the default"


def _hook_problems(infra: Infra, deployments: Mapping[str, Deployment]) -> Iterator[str]:
    outputs = deployments["default"].outputs.keys()
    second_phase = set(_PARAM.findall(infra.texts[_SECOND]))
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
