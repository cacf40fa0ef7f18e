"""The sealed stream: what goes in comes out, and no piece can be left out, moved, doubled, changed or cut off."""

from __future__ import annotations

import io

import pytest
from copydesk.kernel import InvalidInput
from copydesk.parcel import ParcelBroken, PassphraseWrong
from copydesk.parcel.cipher import MAGIC, PIECE_BYTES, OpeningReader, SealingWriter, Work, require_passphrase

PASSPHRASE = "twelve letters and more"
HEADER = 60
SEALED = PIECE_BYTES + 16
# Three pieces, of which the last is short.
PLAIN = bytes(range(256)) * 600


def sealed(plain: bytes) -> bytes:
    out = io.BytesIO()
    writer = SealingWriter(out, PASSPHRASE, Work(log_n=10))
    for start in range(0, len(plain), 50_000):
        writer.write(plain[start : start + 50_000])
    writer.close()
    return out.getvalue()


def opened(content: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return OpeningReader(io.BytesIO(content), passphrase).readall()


@pytest.fixture(scope="module")
def parcel() -> bytes:
    return sealed(PLAIN)


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
def test_any_length_comes_back(length: int) -> None:
    assert opened(sealed(PLAIN[:length])) == PLAIN[:length]


def test_the_same_content_is_never_the_same_file(parcel: bytes) -> None:
    assert parcel[HEADER:] != sealed(PLAIN)[HEADER:]


def pieces(parcel: bytes) -> list[bytes]:
    body = parcel[HEADER:]
    return [body[start : start + SEALED] for start in range(0, len(body), SEALED)]


@pytest.mark.parametrize(
    "order", [[0, 1], [0], [], [1, 2], [1, 0, 2], [0, 2], [0, 1, 1, 2], [0, 1, 2, 2], [0, 1, 2, 0]]
)
def test_pieces_stand_all_of_them_once_and_in_their_order(parcel: bytes, order: list[int]) -> None:
    found = pieces(parcel)
    with pytest.raises(ParcelBroken, match="cut short or was changed"):
        opened(parcel[:HEADER] + b"".join(found[place] for place in order))


@pytest.mark.parametrize("place", [19, 25, 40, HEADER, HEADER + SEALED, -1])
def test_a_changed_bit_is_found_wherever_it_is(parcel: bytes, place: int) -> None:
    changed = bytearray(parcel)
    changed[place] ^= 0x10
    with pytest.raises((ParcelBroken, PassphraseWrong)):
        opened(bytes(changed))


def test_what_was_read_before_a_change_was_found_is_whole_pieces(parcel: bytes) -> None:
    changed = bytearray(parcel)
    changed[HEADER + 2 * SEALED] ^= 1
    reader = io.BufferedReader(OpeningReader(io.BytesIO(bytes(changed)), PASSPHRASE), PIECE_BYTES)
    assert reader.read(PIECE_BYTES) == PLAIN[:PIECE_BYTES]
    with pytest.raises(ParcelBroken, match="piece 3"):
        reader.read()


def test_another_passphrase_is_told_apart_from_a_changed_file(parcel: bytes) -> None:
    with pytest.raises(PassphraseWrong):
        opened(parcel, "twelve letters and morE")


@pytest.mark.parametrize("cost", [(30, 8, 1), (17, 255, 1), (17, 8, 255), (0, 8, 1), (17, 0, 1)])
def test_a_made_up_header_does_not_take_the_machines_memory(parcel: bytes, cost: tuple[int, int, int]) -> None:
    place = len(MAGIC)
    with pytest.raises(ParcelBroken, match="first bytes"):
        opened(parcel[:place] + bytes(cost) + parcel[place + 3 :])


def test_a_short_passphrase_is_refused() -> None:
    require_passphrase("x" * 12)
    with pytest.raises(InvalidInput, match="at least 12"):
        require_passphrase("x" * 11)
