"""What the documents tell a reader to run is safe to run."""

from __future__ import annotations

import shlex

from tests.documents import following_downloads, shell_commands


def test_no_key_follows_a_redirect() -> None:
    # curl sends Authorization to the first host only, and any other header to every host.
    downloads = following_downloads()
    assert {name for name, _ in downloads} >= {"README.md", "api.md", "operations.md"}
    for name, command in downloads:
        words = shlex.split(command, comments=True)
        headers = [words[i + 1] for i, word in enumerate(words) if word in ("-H", "--header")]
        assert headers, (name, command)
        for header in headers:
            assert header.lower().startswith("authorization: bearer"), (name, command)
        assert "--location-trusted" not in words


def test_no_command_downloads_without_following() -> None:
    contents = [(n, c) for n, c in shell_commands() if c.startswith("curl ") and "/content" in c]
    assert contents == following_downloads()
