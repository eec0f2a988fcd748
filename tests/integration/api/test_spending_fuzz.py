"""Whatever is sent about budgets and spend is answered, and no fault of ours."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.world import World

_NAMES = st.sampled_from(["day_usd", "month_usd", "total_usd", "owner"]) | st.text(max_size=5)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1", "1e400", "0x1", " 5 ", "\ud800", "\0", 10**400])
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=6
)
_WORDS = st.text(max_size=600) | st.sampled_from(
    ["", "2026-11-29", "0001-01-01", "2026-02-30", "day", "user", "csv", "b:o", "'", "\0", "%00"]
)
_QUERIES = st.dictionaries(
    st.sampled_from(
        ["owner", "user", "group_by", "from", "to", "interval", "limit", "format", "after"]
    ),
    _WORDS,
)
_SETTINGS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@_SETTINGS
@given(body=st.dictionaries(_NAMES, _VALUES) | _VALUES, user=st.none() | st.text(max_size=520))
async def test_every_budget_is_set_or_refused(world: World, body: Any, user: str | None) -> None:
    path = f"/v1/admin/budgets/{world.owners['alice']}"
    query = {} if user is None else {"user": user.encode("utf-8", "replace").decode()}
    answer = await world.admin.put(path, params=query, content=json.dumps(body))
    assert answer.status_code in (200, 400), (answer.text, body)
    if answer.status_code == 400:
        assert answer.json()["error"]["message"]
    else:
        assert all(each["left_usd"] >= 0 for each in answer.json()["standings"])
    assert (await world.admin.get(path)).status_code == 200
    gone = await world.admin.delete(path, params=query)
    assert gone.status_code in ((200,) if answer.status_code == 200 else (400, 404))


@_SETTINGS
@given(query=_QUERIES)
async def test_every_question_is_answered_or_refused(world: World, query: dict[str, str]) -> None:
    query = {name: text.encode("utf-8", "replace").decode() for name, text in query.items()}
    for client, path in (
        (world.admin, "/v1/admin/spend"),
        (world.alice, "/v1/usage"),
        (world.admin, f"/v1/admin/budgets/{world.owners['alice']}"),
    ):
        answer = await client.get(path, params=query)
        assert answer.status_code in (200, 400), (answer.text, path, query)
