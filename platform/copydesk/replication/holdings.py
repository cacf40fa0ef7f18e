"""Hold books against the exchange: an account must own, or be positioned, at least as its books say.

More is fine, that is the follower's own. Less, or a perpetual position on the other side, means that the follower, or
somebody, closed what we copied; what is to be done about it is in `detach`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.rest_rows import recall_orders
from copydesk.trading import Instrument, PositionSide, SubscriptionState
from copydesk.venues import Balance, Position

REASON = "position_missing"
_EXACT = Decimal("1E-18")  # As fine as a book is stored.

# What rests and only opens moves nothing unseen. A resting exit may: such an account is held against its books just
# after the exit was looked at, which is less than two looks apart that make a shortfall certain.
_HELD = text(
    """
    SELECT s.account_id, b.subscription_id, b.symbol, b.qty, b.position_side FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE a.shard = :shard AND a.status = 'active' AND b.qty <> 0 AND NOT EXISTS (
        SELECT 1 FROM copy c WHERE c.shard = :shard AND c.account_id = s.account_id
        AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
        AND (c.leg NOT LIKE 'rest-%' OR (c.reduces AND NOT EXISTS (
            SELECT 1 FROM resting_order r WHERE r.tenant_id = c.tenant_id AND r.subscription_id = c.subscription_id
            AND r.copy_id = c.id AND r.looked_at > clock_timestamp() - interval '8 seconds'))))
    """
)

_FLAG = text(
    """
    UPDATE subscription SET
        state = CASE WHEN id = ANY(CAST(:missing AS bigint[])) THEN :out_of_sync ELSE :synced END,
        state_reason = CASE WHEN id = ANY(CAST(:missing AS bigint[])) THEN :reason END
    WHERE (id = ANY(CAST(:missing AS bigint[])) AND state = :synced)
       OR (id = ANY(CAST(:fine AS bigint[])) AND state = :out_of_sync AND state_reason = :reason)
    RETURNING id
    """
)


class Held(NamedTuple):
    """One open book as the exchange account should back it: base units, a short below zero."""

    account_id: int
    subscription_id: int
    symbol: str
    qty: Decimal
    position_side: PositionSide = PositionSide.NET

    @property
    def perpetual(self) -> bool:
        return ":" in self.symbol


class Shortfall(NamedTuple):
    """A book of which its account has only `backed` (signed) any more."""

    book: Held
    backed: Decimal


class Owned(NamedTuple):
    """What the exchange says of one account; None stands for what was not asked."""

    balances: Mapping[str, Balance] | None = None
    positions: Sequence[Position] | None = None


def held_books(session: TenantSession, shard: str) -> list[Held]:
    """Return the open books of a shard whose accounts have nothing in flight."""
    rows = session.execute(_HELD, {"shard": shard})
    return [Held(account, of, symbol, qty, PositionSide(side)) for account, of, symbol, qty, side in rows]


def unbacked(books: Iterable[Held], owned: Mapping[int, Owned], instruments: Mapping[str, Instrument]) -> set[int]:
    """Name the subscriptions whose accounts have less than their books say, by more than one step each. Pure.

    Books of one base currency claim the same balance, whatever they are quoted in; books of one perpetual and
    position side are summed up with their signs, as the exchange does.
    """
    known = [(book, instruments[book.symbol]) for book in books if book.symbol in instruments]
    return _short_of_coins([item for item in known if not item[0].perpetual], owned) | _short_of_positions(
        [item for item in known if item[0].perpetual], owned
    )


_Known = Sequence[tuple[Held, Instrument]]


def _short_of_coins(known: _Known, owned: Mapping[int, Owned]) -> set[int]:
    claimed: dict[tuple[int, str], Decimal] = defaultdict(lambda: ZERO)
    for book, instrument in known:
        # What rounding may have left per book is no reason to complain.
        claimed[book.account_id, instrument.base] += book.qty - instrument.qty_step
    short = {
        (account_id, base)
        for (account_id, base), qty in claimed.items()
        if (found := owned.get(account_id, Owned()).balances) is not None and _coins(found, base) < qty
    }
    return {book.subscription_id for book, instrument in known if (book.account_id, instrument.base) in short}


def _coins(balances: Mapping[str, Balance], currency: str) -> Decimal:
    balance = balances.get(currency, Balance(ZERO, ZERO))
    return balance.free + balance.locked


def _short_of_positions(known: _Known, owned: Mapping[int, Owned]) -> set[int]:
    claimed: dict[tuple[int, str, PositionSide], Decimal] = defaultdict(lambda: ZERO)
    slack: dict[tuple[int, str, PositionSide], Decimal] = defaultdict(lambda: ZERO)
    for book, instrument in known:
        place = (book.account_id, book.symbol, book.position_side)
        claimed[place] += book.qty
        slack[place] += instrument.qty_step
    short = {
        (account_id, symbol, side)
        for (account_id, symbol, side), qty in claimed.items()
        if (found := owned.get(account_id, Owned()).positions) is not None
        and _falls_short(_positioned(found, symbol, side), qty, slack[account_id, symbol, side])
    }
    return {book.subscription_id for book, _ in known if (book.account_id, book.symbol, book.position_side) in short}


def _falls_short(actual: Decimal, claimed: Decimal, slack: Decimal) -> bool:
    """Tell whether a position is nearer to zero than claimed, or on the other side of it."""
    return actual < claimed - slack if claimed > 0 else claimed < 0 and actual > claimed + slack


def _positioned(positions: Iterable[Position], symbol: str, side: PositionSide) -> Decimal:
    """Return the signed quantity that backs books of a side, whichever position mode the account is in."""
    here = [position for position in positions if position.symbol == symbol]
    match side:
        case PositionSide.LONG:
            return sum((p.qty for p in here if p.side is side or (p.side is PositionSide.NET and p.qty > 0)), ZERO)
        case PositionSide.SHORT:
            return sum((p.qty for p in here if p.side is side or (p.side is PositionSide.NET and p.qty < 0)), ZERO)
        case PositionSide.NET:
            return sum((p.qty for p in here), ZERO)


def shortfalls(
    books: Iterable[Held], owned: Mapping[int, Owned], instruments: Mapping[str, Instrument]
) -> list[Shortfall]:
    """Say how much of which book is gone, where accounts have less than their books say. Pure.

    Nobody knows whose of several books was closed: each loses the same share. Of books of one perpetual that net each
    other out, those on the side of their sum.
    """
    places: defaultdict[tuple[int, str, PositionSide], list[Held]] = defaultdict(list)
    for book in books:
        if book.symbol in instruments:
            what = book.symbol if book.perpetual else instruments[book.symbol].base
            places[book.account_id, what, book.position_side].append(book)
    found: list[Shortfall] = []
    for place, claims in places.items():
        slack = sum((instruments[book.symbol].qty_step for book in claims), ZERO)
        actual = _actual(place, owned)
        if actual is not None:
            found += _split(claims, actual, slack)
    return found


def _actual(place: tuple[int, str, PositionSide], owned: Mapping[int, Owned]) -> Decimal | None:
    account_id, what, side = place
    found = owned.get(account_id, Owned())
    if "/" in what:
        return None if found.positions is None else _positioned(found.positions, what, side)
    return None if found.balances is None else _coins(found.balances, what)


def _split(claims: Sequence[Held], actual: Decimal, slack: Decimal) -> Iterator[Shortfall]:
    """Spread what is missing over the books on the side of their sum, rounded so that none keeps too much."""
    claimed = sum((book.qty for book in claims), ZERO)
    if not _falls_short(actual, claimed, slack):
        return
    sign = 1 if claimed > 0 else -1
    missing = abs(claimed) - max(actual * sign, ZERO)
    concerned = [book for book in claims if book.qty * sign > 0]
    kept = 1 - missing / sum((abs(book.qty) for book in concerned), ZERO)
    for book in concerned:
        yield Shortfall(book, floor_to_step(abs(book.qty) * kept, _EXACT) * sign)


def flag_unbacked(session: TenantSession, *, missing: set[int], fine: set[int]) -> None:
    """Mark subscriptions out of sync, and in sync again those that this check had marked."""
    params = {
        "missing": array_literal(sorted(missing)),
        "fine": array_literal(sorted(fine - missing)),
        "out_of_sync": str(SubscriptionState.OUT_OF_SYNC),
        "synced": str(SubscriptionState.SYNCED),
        "reason": REASON,
    }
    recall_orders(session, *session.execute(_FLAG, params).scalars())
