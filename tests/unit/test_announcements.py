"""Which upload an event of Azure Storage tells of."""

from __future__ import annotations

from typing import Any

import pytest

from dailies.protocols.drop.announcements import Announcement, read_announcement

CONTAINERS = "/blobServices/default/containers"
CREATED = "Microsoft.Storage.BlobCreated"


def read(subject: str | None, data: Any, event_type: str = CREATED) -> Announcement | None:
    return read_announcement(event_type, subject, data, "references")


def test_an_upload_is_named_by_address_and_subject() -> None:
    data = {
        "url": "https://a.blob.core.windows.net/references/cats/%C3%A4%2520%20b.png",
        "eTag": "0x1",
    }
    subject = f"{CONTAINERS}/references/blobs/cats/ä%20 b.png"
    assert read(subject, data) == Announcement(("cats/ä%20 b.png",), "0x1")


def test_a_subject_that_lost_characters_comes_second() -> None:
    data = {"url": "https://a.blob.core.windows.net/references/%F0%9F%8E%89.png", "eTag": '"0x1"'}
    subject = f"{CONTAINERS}/references/blobs/\ufffd.png"
    assert read(subject, data) == Announcement(("🎉.png", "\ufffd.png"), "0x1")


def test_an_emulators_address_has_the_account_first() -> None:
    data = {"url": "http://127.0.0.1:1/devstoreaccount1/references/a.png"}
    assert read(None, data) == Announcement(("a.png",), None)


@pytest.mark.parametrize(
    ("event_type", "subject", "data"),
    [
        (
            "Microsoft.Storage.BlobDeleted",
            f"{CONTAINERS}/references/blobs/a",
            {},
        ),
        (CREATED, f"{CONTAINERS}/videos/blobs/a.png", {}),
        (CREATED, f"{CONTAINERS}/references2/blobs/a.png", {}),
        (CREATED, None, None),
        (CREATED, "", "text"),
        (CREATED, f"{CONTAINERS}/references/blobs/", {"url": 7, "eTag": 7}),
        (CREATED, None, {"url": "http://[broken/references/a"}),
    ],
)
def test_what_is_about_something_else_is_nothing(event_type: str, subject: str, data: Any) -> None:
    assert read(subject, data, event_type) is None
