"""Whatever an operator's program sends about keys, it is answered, and no fault of ours."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dailies.owners.key import Limits
from tests.integration.api.world import World

_NAMES = st.sampled_from(
    ["owner", "name", "limits", "tags", "expires_at", "overlap_seconds", "models", "ways"]
) | st.text(max_size=5)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["alice", "sora-2", "low", "openai", "2030-01-01", "\ud800", "\0"])
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=8
)
_NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=140),
        "tags": st.lists(st.text(max_size=3)) | _VALUES,
        "limits": st.dictionaries(st.sampled_from(list(Limits.model_fields)), _VALUES),
        "expires_at": st.integers() | st.floats(),
    },
)
_BODIES = st.dictionaries(_NAMES, _VALUES) | _VALUES | _NEARLY


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=_BODIES, with_owner=st.booleans())
async def test_every_body_is_answered(world: World, body: Any, with_owner: bool) -> None:
    issued = await world.admin.post("/v1/admin/keys", json={"owner": world.owners["alice"]})
    path = f"/v1/admin/keys/{issued.json()['id']}"
    if with_owner and isinstance(body, dict):
        body = {**body, "owner": world.owners["alice"]}
    content = json.dumps(body)
    for method, where in (("POST", "/v1/admin/keys"), ("PATCH", path), ("POST", f"{path}/rotate")):
        answer = await world.admin.request(method, where, content=content)
        assert answer.status_code in (200, 201, 400), (answer.text, content)
        if answer.status_code == 400:
            assert answer.json()["error"]["message"]
    shown = await world.admin.get(path)
    assert shown.status_code == 200
    listed = await world.admin.get("/v1/admin/keys", params={"owner": world.owners["alice"]})
    assert listed.status_code == 200
