"""The sealed form of a parcel: a passphrase becomes keys, and a stream of bytes becomes pieces that keep their order.

    offset 0    18 bytes  "copydesk parcel 1" and a line feed
    offset 18   3 bytes   scrypt's cost: log2(N), r, p
    offset 21   16 bytes  salt
    offset 37   7 bytes   what each piece's nonce begins with, random
    offset 44   16 bytes  tells a wrong passphrase from a changed file
    offset 60   pieces of 64 KiB and a tag of 16 bytes; the last one may be shorter

A piece's nonce is the prefix, the piece's number and whether it is the last one, so that none can be left out, moved,
doubled or cut off; its associated data are the 60 bytes above. Sources: RFC 7914 (scrypt), NIST SP 800-38D (AES-GCM),
and the STREAM construction of "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance" (Hoang, 2015).
"""

from __future__ import annotations

import hmac
import io
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from copydesk.kernel import InvalidInput
from copydesk.parcel.model import ParcelBroken, PassphraseWrong

MAGIC = b"copydesk parcel 1\n"
PASSPHRASE_CHARS_MIN = 12
PIECE_BYTES = 65_536
_TAG_BYTES = 16
_KEY_BYTES = 32
_PREFIX_BYTES = 7
_HEADER = struct.Struct(f">{len(MAGIC)}sBBB16s{_PREFIX_BYTES}s16s")
_NONCE = struct.Struct(f">{_PREFIX_BYTES}sIB")


@dataclass(frozen=True)
class Work:
    """How much work it is to try one passphrase (RFC 7914); the memory is 128 * N * r bytes."""

    log_n: int = 17
    r: int = 8
    p: int = 1

    @property
    def sane(self) -> bool:
        """Say whether a file may ask for so much: a made-up header must not take the machine's memory."""
        return 10 <= self.log_n <= 20 and 1 <= self.r <= 8 and 1 <= self.p <= 4


WORK = Work()


@dataclass(frozen=True, repr=False)
class Keys:
    """What a passphrase and a salt give: a key for the stream, one for what is wrapped inside, and a check."""

    stream: bytes
    wrapping: bytes
    check: bytes


def require_passphrase(passphrase: str) -> None:
    """Raise `InvalidInput` for a passphrase that is too short to protect a whole brand."""
    if len(passphrase) < PASSPHRASE_CHARS_MIN:
        raise InvalidInput(f"the passphrase: expected at least {PASSPHRASE_CHARS_MIN} characters")


class SealingWriter(io.RawIOBase):
    """Write a stream as sealed pieces; `close` seals the last one, without which nothing opens."""

    def __init__(self, out: BinaryIO, passphrase: str, work: Work) -> None:
        salt, prefix = os.urandom(16), os.urandom(_PREFIX_BYTES)
        self.keys = _keys(passphrase, salt, work)
        self._header = _HEADER.pack(MAGIC, work.log_n, work.r, work.p, salt, prefix, self.keys.check)
        self._cipher, self._prefix = AESGCM(self.keys.stream), prefix
        self._out, self._held, self._number = out, bytearray(), 0
        out.write(self._header)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        given = bytes(memoryview(data))  # type: ignore[arg-type]
        self._held += given
        while len(self._held) > PIECE_BYTES:
            self._seal(bytes(self._held[:PIECE_BYTES]), last=False)
            del self._held[:PIECE_BYTES]
        return len(given)

    def close(self) -> None:
        if not self.closed:
            self._seal(bytes(self._held), last=True)
        super().close()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        nonce = _NONCE.pack(self._prefix, self._number, last)
        self._out.write(self._cipher.encrypt(nonce, piece, self._header))
        self._number += 1


class OpeningReader(io.RawIOBase):
    """Read a sealed stream; raises `PassphraseWrong` at once, `ParcelBroken` where a piece is not as it was sealed."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._header = file.read(_HEADER.size)
        if len(self._header) < _HEADER.size or not self._header.startswith(MAGIC):
            raise ParcelBroken("this is no parcel: it does not begin as one")
        _, log_n, r, p, salt, prefix, check = _HEADER.unpack(self._header)
        work = Work(log_n, r, p)
        if not work.sane:
            raise ParcelBroken("this is no parcel of ours: its first bytes were changed")
        self.keys = _keys(passphrase, salt, work)
        if not hmac.compare_digest(check, self.keys.check):
            raise PassphraseWrong("the passphrase does not open this parcel, or its first bytes were changed")
        self._cipher, self._prefix, self._file = AESGCM(self.keys.stream), prefix, file
        self._ahead, self._opened, self._number = file.read(PIECE_BYTES + _TAG_BYTES), b"", 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if not self._opened and not self._ended:
            self._opened = self._next()
        taken, self._opened = self._opened[: len(view)], self._opened[len(view) :]
        view[: len(taken)] = taken
        return len(taken)

    def _next(self) -> bytes:
        sealed, self._ahead = self._ahead, self._file.read(PIECE_BYTES + _TAG_BYTES)
        self._ended = not self._ahead
        try:
            piece = self._cipher.decrypt(_NONCE.pack(self._prefix, self._number, self._ended), sealed, self._header)
        except (InvalidTag, ValueError):
            raise ParcelBroken(
                f"the parcel is cut short or was changed: piece {self._number + 1} is not as it was sealed"
            ) from None
        self._number += 1
        return piece


def _keys(passphrase: str, salt: bytes, work: Work) -> Keys:
    root = Scrypt(salt=salt, length=_KEY_BYTES, n=1 << work.log_n, r=work.r, p=work.p).derive(passphrase.encode())

    def derived(name: bytes, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=b"copydesk parcel " + name).derive(root)

    return Keys(derived(b"stream", _KEY_BYTES), derived(b"wrapping", _KEY_BYTES), derived(b"check", 16))
