"""A certificate authority for one stack, and the certificate of its simulated Event Grid.

The authority's private key is never written: when the server certificate nears its end, both are
made anew.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.stack.errors import StackError
from local.stack.files import write_private

__all__ = ["Certificates"]

_LIFETIME = timedelta(days=397)  # what common TLS clients accept at most
_RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class Certificates:
    """PEM files: what the server shows, and what its clients trust."""

    authority: Path
    server: Path
    server_key: Path
    bundle: Path

    @classmethod
    def load_or_create(
        cls, directory: Path, environ: Mapping[str, str] = os.environ, now: datetime | None = None
    ) -> Certificates:
        """Make what is missing or nearly expired in ``directory``, and the bundle in any case.

        The bundle holds the authorities that this machine trusts (the file in ``SSL_CERT_FILE``,
        else certifi's) and the stack's own.

        Raises:
            StackError: when ``SSL_CERT_FILE`` names a file that can't be read.
        """
        files = cls(
            authority=directory / "ca.pem",
            server=directory / "server.pem",
            server_key=directory / "server-key.pem",
            bundle=directory / "bundle.pem",
        )
        now = now or datetime.now(UTC)
        if not files._current(now):
            files._create(now)
        trusted = Path(environ.get("SSL_CERT_FILE") or certifi.where())
        try:
            machine = trusted.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise StackError(f"SSL_CERT_FILE: can't read {trusted}: {error.strerror}") from None
        own = files.authority.read_text(encoding="ascii")
        write_private(files.bundle, f"{machine.rstrip()}\n{own}")
        return files

    def _current(self, now: datetime) -> bool:
        if not (self.authority.exists() and self.server_key.exists() and self.server.exists()):
            return False
        server = x509.load_pem_x509_certificate(self.server.read_bytes())
        authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
        fresh = now + _RENEW_BEFORE < server.not_valid_after_utc
        return fresh and server.issuer == authority.subject

    def _create(self, now: datetime) -> None:
        authority_key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number()
        # A name of its own, so that two stacks' authorities are never mistaken for each other.
        issuer = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"Dailies local stack {serial:x}"[:64])]
        )
        authority = _authority(authority_key, issuer, now)
        server_key = ec.generate_private_key(ec.SECP256R1())
        server = _server(server_key, authority_key, issuer, now)
        write_private(self.authority, _pem(authority))
        write_private(self.server, _pem(server))
        secret = server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_private(self.server_key, secret.decode("ascii"))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(key: ec.EllipticCurvePrivateKey, name: x509.Name, now: datetime) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    now: datetime,
) -> x509.Certificate:
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(subject, issuer, key.public_key(), now)
        .add_extension(names, critical=False)
        .add_extension(authority_id, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
