"""What a state directory keeps, and that one stack at a time runs on it."""

from __future__ import annotations

import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.stack.certificates import Certificates
from local.stack.errors import StackError
from local.stack.layout import APP_DIR, StateDir


def test_a_second_stack_on_the_same_directory_is_refused(state: StateDir) -> None:
    with state.locked():
        command = [sys.executable, "-m", "local", "start", "--port", "0"]
        second = subprocess.run(
            [*command, "--state-dir", str(state.root)],
            cwd=APP_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert "already runs on" in second.stderr
    assert "--state-dir" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_directory_is_free_again_when_its_stack_has_ended(state: StateDir) -> None:
    for _ in range(2):
        with state.locked():
            pass


def test_only_the_owner_can_look_into_the_directory(state: StateDir) -> None:
    assert state.root.stat().st_mode & 0o077 == 0


def test_a_client_with_the_bundle_trusts_the_server(state: StateDir) -> None:
    files = Certificates.load_or_create(state.tls, environ={})
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.server, files.server_key)
    client = ssl.create_default_context(cafile=str(files.bundle))
    for name in ("127.0.0.1", "localhost"):
        _handshake(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(ssl.create_default_context(), server, "127.0.0.1")


def test_certificates_stay_until_they_near_their_end(state: StateDir) -> None:
    first = Certificates.load_or_create(state.tls, environ={}).server.read_bytes()
    assert Certificates.load_or_create(state.tls, environ={}).server.read_bytes() == first
    later = datetime.now(UTC) + timedelta(days=380)
    renewed = Certificates.load_or_create(state.tls, environ={}, now=later)
    assert renewed.server.read_bytes() != first


def test_the_bundle_holds_what_the_machine_trusts(state: StateDir, tmp_path: Path) -> None:
    own = tmp_path / "corporate.pem"
    own.write_text("# the company's proxy\n")
    files = Certificates.load_or_create(state.tls, environ={"SSL_CERT_FILE": str(own)})
    bundle = files.bundle.read_text()
    assert bundle.startswith("# the company's proxy")
    assert files.authority.read_text() in bundle


def test_a_missing_ssl_cert_file_is_named(state: StateDir) -> None:
    with pytest.raises(StackError, match=r"SSL_CERT_FILE.*/nonexistent"):
        Certificates.load_or_create(state.tls, environ={"SSL_CERT_FILE": "/nonexistent"})


def test_private_keys_are_private(state: StateDir) -> None:
    files = Certificates.load_or_create(state.tls, environ={})
    assert files.server_key.stat().st_mode & 0o077 == 0


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """A TLS handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    done = [False, False]
    for _ in range(20):
        for index, side in enumerate((here, there)):
            try:
                side.do_handshake()
                done[index] = True
            except ssl.SSLWantReadError:
                continue
        if all(done):
            return
    raise AssertionError("the handshake did not end")
