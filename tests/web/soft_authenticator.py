"""An authenticator in software: makes passkeys and signs with them, as a browser hands them on. Source: WebAuthn L3."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40
_CURVE_BYTES = 32


@dataclass
class SoftAuthenticator:
    """One passkey. `verifies` says whether it checks who holds it, `counts` whether it counts its signatures."""

    origin: str
    verifies: bool = True
    counts: bool = True
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(20))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: str) -> str:
        """Answer `credentials.create`, with no attestation."""
        asked = json.loads(options)
        point = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(_CURVE_BYTES, "big") for number in (point.x, point.y))
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + public
        data = self._data(asked["rp"]["id"], _ATTESTED) + attested
        response = {
            "clientDataJSON": b64(self._client("webauthn.create", asked["challenge"])),
            "attestationObject": b64(encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options: str) -> str:
        """Answer `credentials.get`, one signature further on."""
        asked = json.loads(options)
        self.count += self.counts
        data, client = self._data(asked["rpId"], 0), self._client("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        return self._credential(response)

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, response: dict[str, Any]) -> str:
        told = b64(self.credential_id)
        return json.dumps({"id": told, "rawId": told, "type": "public-key", "response": response})


def b64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
