"""The brand's own key for Web Push (VAPID, RFC 8292), made at its first use and kept among the brand's secrets."""

from __future__ import annotations

import base64
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import text

from copydesk.db import TenantSession

SECRET_NAME = "vapid_key"  # noqa: S105 - the name of a secret
_LOCK = text("SELECT pg_advisory_xact_lock(170017, CAST(:tenant_id AS int))")


class Secrets(Protocol):
    """Keep a brand's secrets; `vault.FileSecretStore` does."""

    def set(self, slug: str, name: str, value: str) -> None: ...

    def get(self, slug: str, name: str) -> str | None: ...


def vapid_key(session: TenantSession, secrets: Secrets, slug: str) -> str:
    """Return the brand's private key as PEM; one is made where there is none, by one process alone."""
    found = secrets.get(slug, SECRET_NAME)
    if found is not None:
        return found
    session.execute(_LOCK, {"tenant_id": session.tenant_id})
    found = secrets.get(slug, SECRET_NAME)
    if found is None:
        key = ec.generate_private_key(ec.SECP256R1())
        found = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        secrets.set(slug, SECRET_NAME, found)
    return found


def application_server_key(session: TenantSession, secrets: Secrets, slug: str) -> str:
    """Return the public half as browsers want it: an uncompressed point as base64url without padding."""
    key = load_pem_private_key(vapid_key(session, secrets, slug).encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "a key for Web Push is one of P-256"
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
