"""Funding, booked to the subscriptions whose books it was for: what an account paid, shared by their positions then."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import Database, TenantSession, array_literal
from copydesk.kernel import ZERO, Clock, CopydeskError
from copydesk.replication.lane import Hold
from copydesk.replication.port import Surroundings
from copydesk.replication.profit import EXACT
from copydesk.trading import Credentials
from copydesk.venues import Draw, FundingPayment, Position, Venue, drawing_on

# Whose position it was when it is not ours.
OWN = 0
# Reading an account weighs at most 35 of 2,400 a minute: funding is due every few hours, and can wait.
ACCOUNTS_MAX = 5
PAUSE_S = 10.0
EVERY_S = 3_600.0
# The payments of one time, one for each side of hedge mode, are booked together: all have been told by then.
SETTLED_AFTER = timedelta(minutes=1)
_OVERLAP = timedelta(hours=1)
# No exchange charges more at one time: their caps are 4 % and less.
RATE_MAX = Decimal("0.05")
_PLACES = Decimal("1E-18")

_ACCOUNTS = text(
    """
    SELECT s.account_id, coalesce((SELECT max(p.at) FROM funding_payment p WHERE p.account_id = s.account_id),
                                  min(s.created_at)) AS since
    FROM book b JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE a.shard = :shard AND a.status = 'active' AND strpos(b.symbol, ':') > 0
      AND (b.qty <> 0 OR b.updated_at > now() - interval '1 day')
    GROUP BY s.account_id
    """
)
_MOVING = text(
    "SELECT DISTINCT account_id FROM copy WHERE shard = :shard "
    "AND status IN ('planned', 'in_flight', 'accepted', 'partially_filled')"
)
_BOOKS = text(
    """
    SELECT s.account_id, b.subscription_id, b.symbol, sum(b.qty) FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    WHERE s.account_id = ANY(CAST(:ids AS bigint[])) AND strpos(b.symbol, ':') > 0
    GROUP BY s.account_id, b.subscription_id, b.symbol
    """
)
# What has moved a book since a time: copies are found by the signals since the last one before it, and by those alone.
_MOVED_SINCE = text(
    """
    SELECT c.subscription_id, sum(CASE f.side WHEN 'buy' THEN f.qty ELSE -f.qty END) AS qty
    FROM subscription s JOIN signal g ON g.tenant_id = s.tenant_id AND g.strategy_id = s.strategy_id
         AND g.symbol = :symbol AND g.id >= coalesce((
            SELECT max(o.id) FROM signal o WHERE o.tenant_id = s.tenant_id AND o.strategy_id = s.strategy_id
            AND o.symbol = :symbol AND o.stored_at <= :at), 0)
    JOIN copy c ON c.tenant_id = g.tenant_id AND c.signal_id = g.id AND c.subscription_id = s.id
    JOIN copy_fill f ON f.tenant_id = c.tenant_id AND f.copy_id = c.id AND f.symbol = :symbol AND f.at > :at
    WHERE s.account_id = :account_id GROUP BY c.subscription_id
    UNION ALL
    SELECT a.subscription_id, sum(a.qty) FROM book_adjustment a
    JOIN subscription s ON s.tenant_id = a.tenant_id AND s.id = a.subscription_id
    WHERE s.account_id = :account_id AND a.symbol = :symbol AND a.at > :at GROUP BY a.subscription_id
    """
)
_KNOWN = text("SELECT DISTINCT payment_id FROM funding_payment WHERE account_id = :id AND payment_id = ANY(:payments)")
_FENCE = text("SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE")
_INSERT = text(
    """
    INSERT INTO funding_payment (tenant_id, account_id, payment_id, subscription_id, symbol, amount, currency, at)
    SELECT :tenant_id, :account_id, :payment_id, split.subscription_id, :symbol, split.amount, :currency, :at
    FROM unnest(CAST(:ids AS bigint[]), CAST(:amounts AS numeric[])) AS split(subscription_id, amount)
    """
)
# Hedge mode's two books of an instrument are paid for together: the first of them has it in its cash.
_CREDIT = text(
    """
    UPDATE book b SET cash = b.cash + split.amount, updated_at = now()
    FROM unnest(CAST(:ids AS bigint[]), CAST(:amounts AS numeric[])) AS split(subscription_id, amount)
    WHERE b.tenant_id = :tenant_id AND b.subscription_id = split.subscription_id AND b.symbol = :symbol
      AND b.position_side = (SELECT min(f.position_side) FROM book f WHERE f.tenant_id = :tenant_id
                             AND f.subscription_id = split.subscription_id AND f.symbol = :symbol)
    """
)


class Payment(NamedTuple):
    """All that an account paid or received for one perpetual at one time; `payment_id` names its parts."""

    payment_id: str
    symbol: str
    amount: Decimal
    currency: str
    at: datetime


def at_once(payments: Sequence[FundingPayment]) -> list[Payment]:
    """Join what belongs to one perpetual and one time: hedge mode's two sides are paid for one by one. Pure."""
    together: defaultdict[tuple[str, int], list[FundingPayment]] = defaultdict(list)
    for payment in payments:
        together[payment.symbol, payment.at_ms].append(payment)
    return [
        Payment(
            "+".join(sorted(part.payment_id for part in parts)),
            symbol,
            sum((part.amount for part in parts), ZERO),
            parts[0].currency,
            datetime.fromtimestamp(at_ms / 1000, UTC),
        )
        for (symbol, at_ms), parts in sorted(together.items(), key=lambda item: (item[0][1], item[0][0]))
    ]


def shares(amount: Decimal, held: Mapping[int, Decimal], owners: Decimal) -> dict[int, Decimal]:
    """Split a payment by signed positions; the parts add up to it exactly. Pure.

    `held` is each subscription's position at the time, `owners` what the account's owner held besides. Positions that
    net each other out cost what each of them costs: the long pays, the short receives. Where all net out to nothing
    the exchange has charged nothing worth splitting, and it stays with the account.
    """
    positions = {subscription_id: qty for subscription_id, qty in held.items() if qty}
    total = sum(positions.values(), owners)
    if len(positions) == 1 and not owners:
        return {next(iter(positions)): amount}
    if not total or not positions:
        return {OWN: amount}
    # Positions that nearly net each other out have shares far larger than the payment: nothing of them is lost.
    with localcontext(EXACT):
        split = {
            subscription_id: (amount * qty / total).quantize(_PLACES, ROUND_HALF_EVEN)
            for subscription_id, qty in positions.items()
        }
        rest = amount - sum(split.values(), ZERO)
    if owners:
        return split | {OWN: rest}
    largest = max(split, key=lambda subscription_id: abs(positions[subscription_id]))
    return split | {largest: EXACT.add(split[largest], rest)}


def owners_position(symbol: str, positions: Sequence[Position], books: Mapping[int, Decimal]) -> Decimal:
    """Return what of an account's position in a perpetual is not ours, by what both are now. Pure."""
    actual = sum((position.qty for position in positions if position.symbol == symbol), ZERO)
    return actual - sum(books.values(), ZERO)


def attributed(
    amount: Decimal, held: Mapping[int, Decimal], owners: Decimal, mark_px: Decimal | None
) -> dict[int, Decimal]:
    """Split a payment by what was held, as far as the payment bears that out. Pure.

    What the owner holds now is a wrong guess at what he held then where he has traded since. It shows where the whole
    position comes to nothing, or to so little that the payment would be more of it than any exchange charges: then the
    books alone are tried, and else it stays with the account.
    """
    for guess in (owners, ZERO):
        total = sum(held.values(), guess)
        if total and (mark_px is None or abs(amount) <= abs(total) * mark_px * RATE_MAX):
            return shares(amount, held, guess)
    return {OWN: amount}


class _Told(NamedTuple):
    payments: list[FundingPayment]
    positions: list[Position]


class FundingBooker:
    """Book the funding of a lane's accounts, those first that were not looked at for longest."""

    def __init__(self, db: Database, around: Surroundings, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._read_at: dict[tuple[int, int], float] = {}
        self._rounds_at: dict[tuple[int, str], float] = {}

    def book(self, tenant_id: int, shard: str, hold: Hold) -> int:
        """Read a few accounts' funding and book what is new; returns how many payments. Reading twice books once."""
        now = self._clock.monotonic()
        if now < self._rounds_at.get((tenant_id, shard), 0.0) + PAUSE_S:
            return 0
        self._rounds_at[tenant_id, shard] = now
        with self._db.tenant(tenant_id) as session:
            since = {row.account_id: row.since for row in session.execute(_ACCOUNTS, {"shard": shard})}
            moving = set(session.execute(_MOVING, {"shard": shard}).scalars())
        due = self._due(tenant_id, set(since) - moving, now)
        keys = self._around.credentials(tenant_id, due) if due else {}
        if not keys:
            return 0
        exchange = self._around.exchange(tenant_id, shard)
        told = self._around.start(_ask(exchange.venue, keys, since)).result()
        self._read_at |= {(tenant_id, account_id): now for account_id in keys}
        with self._db.tenant(tenant_id) as session:
            return _book_all(session, shard, hold.epoch, told, settled=self._clock.now() - SETTLED_AFTER)

    def _due(self, tenant_id: int, accounts: set[int], now: float) -> list[int]:
        ages = {account: self._read_at.get((tenant_id, account), float("-inf")) for account in accounts}
        waiting = [account for account, at in ages.items() if now - at >= EVERY_S]
        return sorted(waiting, key=lambda account: (ages[account], account))[:ACCOUNTS_MAX]


async def _ask(venue: Venue, keys: Mapping[int, Credentials], since: Mapping[int, datetime]) -> dict[int, _Told]:
    """Ask every account for its funding and its positions; one that does not answer is asked another time."""
    with drawing_on(Draw.SPARE):
        works = [_ask_one(venue, key, since[account]) for account, key in keys.items()]
        answers = await asyncio.gather(*works)
    return {account: told for account, told in zip(keys, answers, strict=True) if told is not None}


async def _ask_one(venue: Venue, key: Credentials, since: datetime) -> _Told | None:
    try:
        payments = await venue.funding(key, int((since - _OVERLAP).timestamp() * 1000))
        return _Told(payments, await venue.positions(key) if payments else [])
    except CopydeskError:
        return None


def _book_all(session: TenantSession, shard: str, epoch: int, told: Mapping[int, _Told], *, settled: datetime) -> int:
    if not told or session.execute(_FENCE, {"shard": shard, "epoch": epoch}).scalar() is None:
        return 0
    books: defaultdict[tuple[int, str], dict[int, Decimal]] = defaultdict(dict)
    for account_id, subscription_id, symbol, qty in session.execute(_BOOKS, {"ids": array_literal(sorted(told))}):
        books[account_id, symbol][subscription_id] = qty
    booked = 0
    for account_id, (payments, positions) in told.items():
        for payment in _fresh(session, account_id, at_once(payments), settled):
            held = books[account_id, payment.symbol]
            then = _then(session, account_id, payment, held)
            mark_px = next((one.mark_px for one in positions if one.symbol == payment.symbol), None)
            owners = owners_position(payment.symbol, positions, held)
            _insert(session, account_id, payment, attributed(payment.amount, then, owners, mark_px))
            booked += 1
    return booked


def _fresh(session: TenantSession, account_id: int, payments: Sequence[Payment], settled: datetime) -> list[Payment]:
    old = [payment for payment in payments if payment.at <= settled]
    known = set(
        session.execute(_KNOWN, {"id": account_id, "payments": [payment.payment_id for payment in old]}).scalars()
    )
    return [payment for payment in old if payment.payment_id not in known]


def _then(session: TenantSession, account_id: int, payment: Payment, held: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Take back from the books what has moved them since the payment."""
    then = dict(held)
    since = {"account_id": account_id, "symbol": payment.symbol, "at": payment.at}
    for subscription_id, moved in session.execute(_MOVED_SINCE, since):
        then[subscription_id] = then.get(subscription_id, ZERO) - moved
    return then


def _insert(session: TenantSession, account_id: int, payment: Payment, split: Mapping[int, Decimal]) -> None:
    params = {
        "tenant_id": session.tenant_id,
        "account_id": account_id,
        "payment_id": payment.payment_id,
        "symbol": payment.symbol,
        "currency": payment.currency,
        "at": payment.at,
        "ids": array_literal(list(split)),
        "amounts": array_literal(list(split.values())),
    }
    session.execute(_INSERT, params)
    if payment.currency == payment.symbol.partition(":")[2]:
        session.execute(_CREDIT, params)
