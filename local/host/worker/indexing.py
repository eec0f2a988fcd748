"""Find the functions of an app and check them as Azure's Python worker does.

Source of the rules: ``azure_functions_worker`` (``loader.py``, ``functions.py``). One function that
does not match its bindings makes the whole app fail to index, as it removes all functions in Azure.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.functions import FunctionRegister
from azure.functions import meta as azf_meta

from .http_streams import REQUIRED_SETTING, returns_stream, streams_enabled, takes_stream

__all__ = ["IndexingError", "LoadedFunction", "load_app", "put_on_path"]

_WORKERS_ROOT = Path(__file__).resolve().parents[3]
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}", re.IGNORECASE)
_RESERVED_NAMES = {"host"}


class IndexingError(Exception):
    """The app cannot be served; the message says what to change."""


@dataclass(frozen=True)
class LoadedFunction:
    """One function, ready to run."""

    name: str
    call: Callable[..., Any]
    directory: str
    is_async: bool
    requires_context: bool
    inputs: dict[str, str]
    """Parameter name to the type of its converter (``generic`` for plain text and bytes)."""
    triggers: frozenset[str]
    """Parameters that are triggers, and so get the trigger's metadata when decoded."""
    outputs: dict[str, str]
    returns: str | None
    """Converter type of the return value, None when the function may not return one."""
    streamed: str | None
    """The parameter that receives a request as a stream, in an app with HTTP streams."""
    bindings: list[dict[str, Any]]
    """The bindings as the decorators describe them, for the host."""


def put_on_path(app_dir: Path) -> None:
    """Have the app's modules found, before any of the worker's.

    :raises IndexingError: there is no app.
    """
    if not (app_dir / "function_app.py").is_file():
        raise IndexingError(f"there is no function_app.py in {app_dir}")
    # In Azure the worker lives elsewhere; here its own package must not shadow the app's modules,
    sys.path.insert(0, str(app_dir))
    # nor lend any to an app that was built for deployment, and brings all that it has.
    if (app_dir / ".python_packages").is_dir():
        sys.path = [path for path in sys.path if Path(path or ".").resolve() != _WORKERS_ROOT]
    importlib.invalidate_caches()


def load_app(app_dir: Path) -> list[LoadedFunction]:
    """Import ``function_app.py`` of `app_dir` and index its functions.

    :raises IndexingError: no app object, more than one, or a function that is not valid.
    """
    put_on_path(app_dir)
    module = importlib.import_module("function_app")
    apps = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if not apps:
        raise IndexingError("function_app.py has no top-level function app object")
    if len({id(app) for app in apps}) > 1:
        raise IndexingError("function_app.py has more than one top-level function app object")
    if streams_enabled() and os.environ.get(REQUIRED_SETTING, "").lower() not in ("1", "true"):
        raise IndexingError(
            f"the app streams HTTP, which needs the app setting {REQUIRED_SETTING}; set it to 1"
        )
    loaded: dict[str, LoadedFunction] = {}
    for function in apps[0].get_functions():
        indexed = _index(function)
        if indexed.name.lower() in {name.lower() for name in loaded}:
            raise IndexingError(f"two functions are named {indexed.name!r}")
        loaded[indexed.name] = indexed
    return list(loaded.values())


def _index(function: Any) -> LoadedFunction:
    name: str = function.get_function_name()
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED_NAMES:
        raise IndexingError(
            f"function name {name!r} is not valid: a letter, then up to 127 letters, digits, "
            "'_' or '-', and not 'host'"
        )
    call: Callable[..., Any] = function.get_user_function()
    bindings = [json.loads(raw) for raw in function.get_raw_bindings()]
    parameters = dict(inspect.signature(call).parameters)
    annotations = typing.get_type_hints(call)
    bound = {b["name"]: b for b in bindings if b["name"] != "$return"}
    requires_context = "context" in parameters and "context" not in bound
    if requires_context:
        del parameters["context"]
        annotation = annotations.get("context")
        if annotation is not None and getattr(annotation, "__name__", "") != "Context":
            raise IndexingError(
                f"function {name!r}: parameter 'context' must be annotated "
                f"azure.functions.Context, not {annotation!r}"
            )
    _check_names(name, set(parameters), set(bound))
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    for parameter, binding in bound.items():
        converter = _checked_converter(name, parameter, binding, annotations)
        target = outputs if binding["direction"] == "OUT" else inputs
        target[parameter] = converter
    _check_return(name, bindings, annotations)
    http = [p for p, b in bound.items() if b["type"] == "httpTrigger"]
    return LoadedFunction(
        name=name,
        call=call,
        directory=str(Path(inspect.getfile(call)).parent),
        is_async=inspect.iscoroutinefunction(call),
        requires_context=requires_context,
        inputs=inputs,
        triggers=frozenset(
            p for p, b in bound.items() if _converter(b["type"]) and _is_trigger(b["type"])
        ),
        outputs=outputs,
        returns=_return_converter(bindings),
        streamed=http[0] if http and streams_enabled() else None,
        bindings=bindings,
    )


def _check_names(function: str, parameters: set[str], bound: set[str]) -> None:
    if parameters - bound:
        raise IndexingError(
            f"function {function!r}: parameters {sorted(parameters - bound)} are declared in "
            "Python but have no binding"
        )
    if bound - parameters:
        raise IndexingError(
            f"function {function!r}: bindings {sorted(bound - parameters)} have no parameter "
            "in Python"
        )


def _checked_converter(
    function: str, parameter: str, binding: dict[str, Any], annotations: dict[str, Any]
) -> str:
    """The converter for one parameter, after its annotation has been checked against it."""
    is_out = binding["direction"] == "OUT"
    kind: str = binding["type"]
    if parameter not in annotations:
        return kind
    annotation = annotations[parameter]
    origin = typing.get_origin(annotation) or annotation
    annotated_out = isinstance(origin, type) and origin.__name__ == "Out"
    if annotated_out != is_out:
        direction = "out" if is_out else "in"
        raise IndexingError(
            f"function {function!r}: binding {parameter!r} has the direction {direction!r}, but "
            f"its annotation is {annotation!r}"
        )
    if annotated_out:
        arguments = typing.get_args(annotation)
        if len(arguments) != 1:
            raise IndexingError(
                f"function {function!r}: parameter {parameter!r} needs one type in its Out[…]"
            )
        annotation = arguments[0]
    if annotation in (str, bytes) and not _has_implicit_output(kind):
        return "generic"
    converter = _converter(kind)
    # Of generic types the worker knows typing's own, `Dict[…]`, and refuses `dict[…]`.
    is_builtin = isinstance(annotation, types.GenericAlias)
    if converter is None or (typing.get_origin(annotation) is not None and not is_builtin):
        return kind
    if is_builtin or not isinstance(annotation, type):
        raise IndexingError(
            f"function {function!r}: parameter {parameter!r} has a non-type annotation "
            f"{annotation!r}"
        )
    if kind == "httpTrigger" and streams_enabled():
        check = takes_stream
    elif is_out:
        check = converter.check_output_type_annotation
    else:
        check = converter.check_input_type_annotation
    if not check(annotation):
        raise IndexingError(
            f"function {function!r}: the type of binding {parameter!r}, {kind!r}, does not match "
            f"its annotation {annotation.__name__!r}"
        )
    return kind


def _check_return(
    function: str, bindings: list[dict[str, Any]], annotations: dict[str, Any]
) -> None:
    annotation = annotations.get("return")
    is_http = any(b["name"] == "$return" and b["type"] == "http" for b in bindings)
    if not is_http or not streams_enabled() or not isinstance(annotation, type):
        return
    if not returns_stream(annotation):
        raise IndexingError(
            f"function {function!r}: an app with HTTP streams cannot return a "
            f"{annotation.__name__!r}"
        )


def _return_converter(bindings: list[dict[str, Any]]) -> str | None:
    for binding in bindings:
        if binding["name"] == "$return":
            return str(binding["type"])
    for binding in bindings:
        if _has_implicit_output(binding["type"]):
            return str(binding["type"])
    return None


def _converter(kind: str) -> Any:
    return azf_meta.get_binding_registry().get(kind)  # type: ignore[no-untyped-call] # untyped library


def _is_trigger(kind: str) -> bool:
    return bool(_converter(kind).has_trigger_support())


def _has_implicit_output(kind: str) -> bool:
    converter = _converter(kind)
    return bool(getattr(converter, "has_implicit_output", bool)())
