"""One upload stays one, whatever ETags storage gives it, in whatever order it is heard of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dailies.stores.uploads import BlobHistory, BlobState, UploadState

NOW = 1_795_262_400.0
EMPTY = BlobHistory(blob="a.png")


def blob(etag: str, *, created: str = "t1", bytes: int = 10, md5: str | None = "aa") -> BlobState:
    return BlobState(etag=etag, created=created, bytes=bytes, md5=md5)


def keys(history: BlobHistory) -> list[str]:
    return [upload.etag for upload in history.uploads]


def test_an_event_makes_an_upload_once() -> None:
    history = EMPTY.announced(blob("e1"), "e1", NOW)
    assert keys(history) == ["e1"]
    assert history.announced(blob("e1"), "e1", NOW) == history


def test_an_event_of_an_upload_whose_metadata_was_changed_before_is_of_that_upload() -> None:
    history = EMPTY.announced(blob("e2"), "e1", NOW)
    assert keys(history) == ["e2"]
    # Told again, after one more change: nothing new.
    assert keys(history.announced(blob("e3"), "e1", NOW)) == ["e2"]


def test_the_same_bytes_uploaded_again_are_a_new_upload() -> None:
    history = EMPTY.announced(blob("e1"), "e1", NOW).announced(blob("e2"), "e2", NOW)
    assert keys(history) == ["e1", "e2"]


def test_an_event_that_comes_after_a_newer_upload_makes_nothing_of_its_own() -> None:
    newer = blob("e2", created="t2")
    history = EMPTY.announced(newer, "e2", NOW).announced(newer, "e1", NOW)
    assert keys(history) == ["e2"]
    assert keys(EMPTY.announced(newer, "e1", NOW).announced(newer, "e2", NOW)) == ["e2"]


def test_metadata_changed_later_is_no_new_upload_for_whoever_looks() -> None:
    history = EMPTY.announced(blob("e1"), "e1", NOW)
    for changed in (blob("e2"), blob("e3", md5=None)):
        assert history.found(changed, NOW) == history
        current = history.current(changed)
        assert current is not None
        assert current.etag == "e1"


def test_other_content_found_without_an_event_is_a_new_upload() -> None:
    history = EMPTY.announced(blob("e1"), "e1", NOW)
    for other in (blob("e2", created="t2"), blob("e2", bytes=11), blob("e2", md5="bb")):
        assert keys(history.found(other, NOW)) == ["e1", "e2"]


def test_a_guess_does_not_swallow_the_event_that_comes_after_it() -> None:
    """A sidecar is heard of before its image, which was uploaded again with the same bytes."""
    history = EMPTY.announced(blob("e1"), "e1", NOW).found(blob("e2"), NOW)
    assert keys(history.announced(blob("e2"), "e2", NOW)) == ["e1", "e2"]


def test_who_waits_takes_what_is_there_unless_it_is_known_as_another() -> None:
    history = EMPTY.announced(blob("e1"), "e1", NOW)
    claimed = history.claimed("e1", blob("e2"), NOW)
    assert keys(claimed) == ["e1"]
    assert claimed.find("e2") == claimed.find("e1")
    assert claimed.announced(blob("e2"), "e2", NOW) == claimed
    other = history.announced(blob("e2", created="t2"), "e2", NOW)
    found = other.claimed("e1", blob("e2", created="t2"), NOW).find("e2")
    assert found is not None
    assert found.etag == "e2"


def test_who_was_started_before_uploads_were_remembered_goes_on() -> None:
    assert keys(EMPTY.claimed("e1", blob("e1"), NOW)) == ["e1"]
    assert EMPTY.claimed("e1", blob("e2"), NOW) == EMPTY


def test_only_the_newest_uploads_are_kept_and_the_row_stays_small() -> None:
    history = EMPTY
    for n in range(200):
        history = history.announced(blob(f"e{n}", created=f"t{n}"), f"e{n}", NOW)
        for change in range(60):
            history = history.claimed(f"e{n}", blob(f"e{n}-{change}", created=f"t{n}"), NOW)
    assert keys(history)[-1] == "e199"
    assert len(history.model_dump_json()) < 60_000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["upload", "metadata"]),
            st.lists(st.sampled_from(["event", "old event", "look", "claim"]), max_size=4),
        ),
        max_size=12,
    )
)
def test_no_upload_ever_has_two_entries(steps: list[tuple[str, list[str]]]) -> None:
    """Whatever happens to a blob and in whatever order it is told: an ETag is in one entry, and no
    more entries than uploads."""
    history, uploads, events = EMPTY, 0, list[str]()
    current = blob("e0", created="t0")
    for number, (what, tellings) in enumerate(steps, start=1):
        if what == "upload" or not uploads:
            uploads += 1
            current = blob(f"e{number}", created=f"t{number}")
            events.append(current.etag)
        else:
            current = blob(f"e{number}", created=current.created or "")
        for telling in tellings:
            if telling == "event":
                history = history.announced(current, events[-1], NOW)
            elif telling == "old event":
                history = history.announced(current, events[0], NOW)
            elif telling == "look":
                history = history.found(current, NOW)
            elif history.uploads:
                history = history.claimed(history.uploads[0].etag, current, NOW)
        etags = [tag for upload in history.uploads for tag in (upload.etag, *upload.also)]
        assert len(etags) == len(set(etags))
        assert len(history.uploads) <= uploads
        assert all(upload.state is UploadState.OPEN for upload in history.uploads)
