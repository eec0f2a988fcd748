"""Mistakes put into predicted deployments, to see that the rules see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from tests.infra.predicted import Deployment

__all__ = ["Deployments", "assert_seen", "replaced"]

Deployments: TypeAlias = Mapping[str, Deployment]


def replaced(deployments: Deployments, name: str, deployment: Deployment) -> Deployments:
    """The same deployments with another one under this name."""
    return {**deployments, name: deployment}


def assert_seen(finding: str, problems: list[str]) -> None:
    """One of the problems says this."""
    assert any(finding in problem for problem in problems), problems
