"""Codes that people type: which time step a one-time code belongs to, and what recovery codes look like. Pure.

pyotp is imported where it is needed: roles that only declare pages do not wait for it.
Sources: RFC 6238 (TOTP: SHA-1, 6 digits, 30 seconds, what every authenticator app reads), RFC 4648 and Crockford's
base 32 (recovery codes), OWASP ASVS 5.0 V6.5.2 (a code of 112 bits or more may be stored under a plain hash).
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

STEP_S = 30
DIGITS = 6
# A phone's clock may be one step off in either direction, and a code may arrive a little after its time.
DRIFT_STEPS = 1
RECOVERY_CODES = 10
RECOVERY_BYTES = 15
_RECOVERY_CHARS = RECOVERY_BYTES * 8 // 5
_GROUP = 4
# Crockford's alphabet leaves out what is misread, and reads what is mistaken for it.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def step_at(at: datetime) -> int:
    """Return the time step that a moment lies in."""
    return int(at.timestamp()) // STEP_S


def matching_step(secret: str, typed: str, at: datetime) -> int | None:
    """Return the time step that a typed code belongs to, None where it belongs to none near this moment.

    Every candidate is compared, and in constant time, so that the time taken tells nothing.
    """
    import pyotp

    code = digits_of(typed)
    totp, now = pyotp.TOTP(secret), step_at(at)
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            found = step
    return found


def digits_of(typed: str) -> str:
    """Return the six digits that somebody typed, spaces left out; what is anything else as six that match nothing."""
    kept = "".join(typed.split())
    return kept if len(kept) == DIGITS and kept.isascii() and kept.isdigit() else "x" * DIGITS


def grouped(text: str) -> str:
    """Write a secret in groups of four, as people copy it."""
    return " ".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def recovery_text(chance: bytes) -> str:
    """Write 15 random bytes as a code: six groups of four, 120 bits."""
    assert len(chance) == RECOVERY_BYTES, "a recovery code is made of 15 bytes"
    number = int.from_bytes(chance, "big")
    chars = [_ALPHABET[(number >> shift) & 31] for shift in range(0, _RECOVERY_CHARS * 5, 5)]
    return "-".join("".join(chars[at : at + _GROUP]) for at in range(0, _RECOVERY_CHARS, _GROUP))


def recovery_digest(salt: bytes, typed: str) -> bytes:
    """Hash a code as it is stored; how it was grouped, and letters that look like others, make no difference."""
    return hashlib.sha256(salt + typed.strip().upper().translate(_MISREAD).encode()).digest()
