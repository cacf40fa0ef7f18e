"""Where a visitor is in a list: a text for an address, which remembers what was shown. Pure.

Nothing in it is secret or trusted: a made-up one shows other rows of the same list, and no more.
"""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import accumulate, pairwise

from copydesk.kernel import InvalidInput

SEEN_MAX = 1_000
_TEXT_MAX = 6_000
_BYTES_MAX = 32_000
_ID_MAX = 2**63 - 1
_DIGITS_MAX = 30


@dataclass(frozen=True)
class Cursor:
    """What was shown of a list sorted by `sort`: how many rows, which (the newest `SEEN_MAX`), and the key of the last.

    While it knows all that was shown (`whole`), the next page is the best of all others, wherever they are by now.
    Beyond that it is what lies behind the last key.
    """

    sort: str
    shown: int
    key: Decimal
    id: int
    seen: tuple[int, ...]

    @property
    def whole(self) -> bool:
        return self.shown == len(self.seen)

    def text(self) -> str:
        """Write it for an address."""
        ids = sorted(self.seen)
        steps = [*ids[:1], *(after - before for before, after in pairwise(ids))]
        told = json.dumps([self.sort, self.shown, str(self.key), self.id, steps], separators=(",", ":"))
        return urlsafe_b64encode(zlib.compress(told.encode(), 9)).decode().rstrip("=")


def after_rows(before: Cursor | None, sort: str, rows: Sequence[tuple[int, Decimal]]) -> Cursor:
    """Return where a visitor is who was shown these rows (id, key) next."""
    ids = [id_ for id_, _ in rows]
    earlier, shown = (before.seen, before.shown) if before else ((), 0)
    last_id, last_key = rows[-1]
    return Cursor(sort, shown + len(ids), last_key, last_id, (*earlier, *ids)[-SEEN_MAX:])


def read_cursor(text: str, sort: str) -> Cursor:
    """Read the cursor of a list of this order; raises InvalidInput for anything else."""
    try:
        found = _parsed(text)
    except (ValueError, TypeError, InvalidOperation, zlib.error, NotBase64, RecursionError):
        found = None
    if found is None or found.sort != sort:
        raise InvalidInput("after: expected the cursor of a page of this list in this order, found something else.")
    return found


def _parsed(text: str) -> Cursor | None:
    if len(text) > _TEXT_MAX:
        return None
    unpacking = zlib.decompressobj()
    told = unpacking.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), _BYTES_MAX)
    sort, shown, key, id_, steps = json.loads(told)
    ids = tuple(accumulate(_whole(steps)))
    number = Decimal(key)
    last, *_ = _whole([id_, shown])
    sound = isinstance(sort, str) and len(ids) <= min(shown, SEEN_MAX) and ids[-1:] <= (_ID_MAX,)
    small = number.is_finite() and abs(number.adjusted()) < _DIGITS_MAX
    return Cursor(sort, shown, number, last, ids) if sound and small else None


def _whole(numbers: Iterable[object]) -> list[int]:
    known = [number for number in numbers if isinstance(number, int) and 0 <= number <= _ID_MAX]
    if len(known) != len(list(numbers)):
        raise ValueError("expected whole numbers of rows")
    return known
