"""The secrets of issued keys: what they look like, and which are taken when."""

from __future__ import annotations

import pytest

from dailies.owners.issued import IssuedKey, KeyState, digest_of, key_id_in, new_key_id
from dailies.video.errors import Conflict

NOW = 1_795_262_400.0


def _issued(**fields: object) -> tuple[IssuedKey, str]:
    plain = {"id": new_key_id(), "owner": "alice", "created_at": NOW, "secrets": ()}
    return IssuedKey.model_validate({**plain, **fields}).with_secret(NOW)


def test_a_secret_names_its_key_and_no_two_are_alike() -> None:
    made = [_issued() for _ in range(50)]
    assert [key_id_in(secret) for _, secret in made] == [key.id for key, _ in made]
    assert len({secret for _, secret in made}) == 50


@pytest.mark.parametrize("place", [3, 20, -7, -1])
def test_a_mistyped_secret_is_known_to_be_none(place: int) -> None:
    _, secret = _issued()
    letters = list(secret)
    letters[place] = "1" if letters[place] != "1" else "2"
    assert key_id_in("".join(letters)) is None


@pytest.mark.parametrize("text", ["", "dk_", "sk-abc", "dk_" + "0" * 16 + "_" + "é" * 49])
def test_other_text_is_no_secret_of_ours(text: str) -> None:
    assert key_id_in(text) is None


def test_only_the_hash_of_a_secret_is_kept() -> None:
    key, secret = _issued()
    assert secret.rpartition("_")[2] not in key.model_dump_json()
    assert digest_of(secret) not in repr(key)
    opened = key.opened_by(digest_of(secret), NOW)
    assert opened is not None
    assert (opened.id, opened.owner) == (key.id, "alice")
    assert key.opened_by(digest_of(secret + "x"), NOW) is None


def test_a_second_rotation_shortens_no_overlap_and_lengthens_none() -> None:
    key, first = _issued()
    key, second = key.with_secret(NOW, overlap=100)
    key, _ = key.with_secret(NOW, overlap=500)
    assert key.opened_by(digest_of(first), NOW + 99) is not None
    assert key.opened_by(digest_of(first), NOW + 100) is None
    assert key.opened_by(digest_of(second), NOW + 499) is not None
    assert key.opened_by(digest_of(second), NOW + 500) is None


def test_ended_secrets_make_place_for_others() -> None:
    key, _ = _issued()
    for _ in range(4):
        key, _ = key.with_secret(NOW, overlap=10)
    with pytest.raises(Conflict):
        key.with_secret(NOW, overlap=10)
    later, _ = key.with_secret(NOW + 10, overlap=10)
    assert len(later.secrets) == 2
    at_once, _ = key.with_secret(NOW, overlap=0)
    assert len(at_once.secrets) == 1


def test_revoked_goes_before_expired() -> None:
    key, _ = _issued(expires_at=NOW + 1)
    assert key.state(NOW) is KeyState.ACTIVE
    assert key.state(NOW + 1) is KeyState.EXPIRED
    assert key.revoked(NOW).state(NOW + 1) is KeyState.REVOKED
    assert key.revoked(NOW).revoked(NOW + 5).revoked_at == NOW


def test_what_a_later_version_writes_beside_it_is_left_alone() -> None:
    key, _ = _issued()
    document = key.model_dump(mode="json")
    document["limits"]["shoe_size"] = 43
    document["colour"] = "teal"
    assert IssuedKey.model_validate(document) == key
