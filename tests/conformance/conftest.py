"""One stack for the suite: the local one, or with ``--stack`` any that runs already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack import RunningStack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """At 60 times real speed, without quotas, where it is ours."""
    with running_stack(tmp_path_factory.mktemp("conformance")) as running:
        yield running


@pytest.fixture(scope="session")
def guarded(stack: RunningStack) -> RunningStack:
    """A stack whose host asks for keys: `func start` takes any and none."""
    if stack.anonymous.get("/admin/host/status").status_code == 200:
        pytest.skip("this host asks for no keys, as Core Tools never do")
    return stack


@pytest.fixture(scope="session")
def rendering(stack: RunningStack) -> str:
    """The id of a video, and so of an instance, that goes on for as long as the suite does."""
    return str(stack.create("[sim render=1000000] a very long pier")["id"])
