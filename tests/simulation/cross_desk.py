"""What a test across exchanges asks: the lab's journal for the truth, the receipts for reasons."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.replication import unsettled_count
from copydesk.stack import Stack, wait_until
from cross_cast import Cast, Seat
from simulation_exchange import Exchange, Record
from simulation_roles import RoleBook
from sqlalchemy import text

_BOOKS = text(
    "SELECT a.label, b.qty FROM book b JOIN subscription s ON s.id = b.subscription_id "
    "JOIN account a ON a.id = s.account_id WHERE b.symbol = :symbol AND b.qty <> 0"
)
_ENDS = text(
    "SELECT a.label, c.status, c.reason FROM copy c JOIN account a ON a.id = c.account_id "
    "WHERE c.signal_id = (SELECT max(id) FROM signal) ORDER BY c.id"
)
_PREPARED = text("SELECT count(*) FROM account_setup WHERE symbol = :symbol AND leverage > 0")
# Steps of the lab's listings: by base, on spot, on perpetuals, and on perpetuals that OKX counts in contracts.
_STEPS = {
    "BTC": ("0.00001", "0.001", "0.0001"),
    "ETH": ("0.0001", "0.001", "0.001"),
    "SOL": ("0.001", "0.1", "0.01"),
}
ORDER_PATHS = {
    "binance": "/fapi/v1/order",
    "okx": "/api/v5/trade/order",
    "bybit": "/v5/order/create",
    "bitget": "/api/v2/mix/order/place-order",
}
# Requests that change how an account is set up, by a part of their path.
_SETUPS = ("leverage", "margintype", "margin-mode", "positionside/dual", "position-mode", "switch-mode")


@dataclass
class CrossDesk:
    """One lab with all exchanges, the roles, and the brands on them."""

    stack: Stack
    exchange: Exchange
    roles: RoleBook
    runtime: Runtime
    casts: dict[str, Cast]
    heal_s: dict[str, float] = field(default_factory=dict)

    @property
    def cast_accounts(self) -> set[str]:
        return {seat.account for cast in self.casts.values() for seat in cast.seats}

    # What the exchange says.

    def held(self, cast: Cast) -> dict[str, Decimal]:
        """Return what every follower, and the leader, has by all executions: signed, in base units."""
        held = dict.fromkeys([cast.leader, *(seat.account for seat in cast.seats)], Decimal(0))
        for record in self.exchange.records():
            if record["kind"] == "execution" and record["account"] in held and _is_base(record, cast):
                held[record["account"]] += _net(record)
        return held

    def orders(self, cast: Cast, after_seq: int) -> dict[str, list[str]]:
        """Return the client order ids that the exchange accepted from each follower."""
        placed: dict[str, list[str]] = {seat.account: [] for seat in cast.seats}
        for record in self.exchange.records():
            if _is_placed(record, placed, after_seq):
                placed[record["account"]].append(record["client_order_id"])
        return placed

    def moves(self, cast: Cast, after_seq: int) -> int:
        """Count the leader's executions; one that goes through zero is two moves: a close and an open."""
        held, moves = Decimal(0), 0
        for record in self.exchange.records():
            if record["kind"] == "execution" and record["account"] == cast.leader and _is_base(record, cast):
                before, held = held, held + _net(record)
                moves += (1 + (before * held < 0)) * (record["seq"] > after_seq)
        return moves

    def arrived(self, cast: Cast, after_seq: int) -> int:
        """Count followers' orders that the journal shows by now."""
        accounts = {seat.account for seat in cast.seats}
        return sum(_is_placed(record, accounts, after_seq) for record in self.exchange.glance())

    def setups(self, after_seq: int) -> list[tuple[str, str]]:
        """Return the followers' requests that changed how an account is set up."""
        return [
            (record["account"], record["path"])
            for record in self.exchange.records()
            if record["kind"] == "request"
            and record["seq"] > after_seq
            and record["method"] == "POST"
            and record["account"] in self.cast_accounts
            and any(part in record["path"].lower() for part in _SETUPS)
        ]

    # Waiting.

    def await_copied(self, cast: Cast, after_seq: int, *, besides: Iterable[Seat] = ()) -> None:
        """Wait until every follower holds its part, then for calm, and judge: each order once, books as the exchange.

        Each follower has an order for every move of the leader's at most: those that waited together may have become
        one, and a trade that took several levels of the book may have become as many. `besides` are followers who
        could not copy.
        """
        left_out = {seat.account for seat in besides}
        seats = [seat for seat in cast.seats if seat.account not in left_out]
        wait_until(lambda: self.apart(cast, seats) == {}, patience_s=30, poll_s=0.1)
        wait_until(self.settled, patience_s=30, poll_s=0.1)
        wait_until(lambda: self.misbooked(cast) == {}, patience_s=10, poll_s=0.1)
        assert self.apart(cast, seats) == {}, (self.ends(cast), self.where())
        assert self.settled(), (self.ends(cast), self.where())
        assert self.misbooked(cast) == {}, (self.ends(cast), self.where())
        placed = self.orders(cast, after_seq)
        assert all(len(ids) == len(set(ids)) for ids in placed.values()), (placed, self.where())
        counted = {seat.account: len(placed[seat.account]) for seat in seats}
        most = self.moves(cast, after_seq)
        assert all(1 <= count <= most for count in counted.values()), (counted, self.ends(cast), self.where())

    def await_orders(self, cast: Cast, after_seq: int, at_least: int) -> int:
        there = wait_until(lambda: self.arrived(cast, after_seq) >= at_least, patience_s=20, poll_s=0.005)
        assert there, (self.ends(cast), self.where())
        return self.arrived(cast, after_seq)

    def await_ends(self, cast: Cast, signals: int) -> None:
        """Wait until that many of the leader's trades are stored and every copy has its end."""
        done = wait_until(
            lambda: self.scalar(cast, "SELECT count(*) FROM signal") >= signals and self.settled(),
            patience_s=30,
            poll_s=0.1,
        )
        assert done, (self.ends(cast), self.where())

    def restart(self, role: str) -> None:
        """End a role as a power cut would, and start it again."""
        self.roles.kill(role)
        self.roles.start(role)

    def await_prepared(self, cast: Cast) -> None:
        """Wait until every follower's account is set up for the brand's perpetual."""
        there = wait_until(
            lambda: self.scalar(cast, _PREPARED, symbol=cast.troupe.symbol) == len(cast.seats),
            patience_s=20,
            poll_s=0.05,
        )
        assert there, self.where()

    # What tests compare.

    def apart(self, cast: Cast, seats: Iterable[Seat]) -> dict[str, tuple[Decimal, Decimal]]:
        """Return who holds more than a step from its part of what the leader holds, with both."""
        held = self.held(cast)
        found = {}
        for seat in seats:
            target, step = seat.ratio * held[cast.leader], step_of(cast, seat)
            # A fee taken in base leaves a little less; what it leaves of all is below one step.
            slack = step if cast.troupe.perpetual else step + abs(target) * Decimal("0.003")
            if abs(held[seat.account] - target) > slack:
                found[seat.account] = (held[seat.account], target)
        return found

    def misbooked(self, cast: Cast) -> dict[str, tuple[Decimal, Decimal]]:
        """Return followers whose book is not what the exchange says they hold."""
        held = self.held(cast)
        with self.session(cast) as session:
            books = dict(session.execute(_BOOKS, {"symbol": cast.troupe.symbol}).all())
        return {
            seat.account: (books.get(seat.account, Decimal(0)), held[seat.account])
            for seat in cast.seats
            if books.get(seat.account, 0) != held[seat.account]
        }

    def ends(self, cast: Cast) -> dict[str, list[tuple[str, str | None]]]:
        """Return status and reason of the copies of the newest signal, by account."""
        found: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        with self.session(cast) as session:
            for label, status, reason in session.execute(_ENDS):
                found[label].append((status, reason))
        return dict(found)

    def outcomes(self, cast: Cast, venue: str) -> Counter[tuple[str, str | None]]:
        """Count how the copies of the newest signal ended on one exchange."""
        ends = self.ends(cast)
        return Counter(end for seat in cast.on(venue) for end in ends.get(seat.account, []))

    def settled(self) -> bool:
        for cast in self.casts.values():
            with self.session(cast) as session:
                if unsettled_count(session):
                    return False
        return True

    def scalar(self, cast: Cast, query: Any, **params: Any) -> Any:
        with self.session(cast) as session:
            return session.execute(text(query) if isinstance(query, str) else query, params).scalar()

    @contextmanager
    def session(self, cast: Cast) -> Iterator[TenantSession]:
        with self.runtime.db.tenant(self.runtime.tenant_ids[cast.troupe.slug]) as session:
            yield session

    def where(self) -> str:
        return f"journal {self.exchange.journal_path}, logs {self.roles.log_dir}"


def step_of(cast: Cast, seat: Seat) -> Decimal:
    spot, perpetual, contracts = _STEPS[cast.troupe.base]
    if not cast.troupe.perpetual:
        return Decimal(spot)
    return Decimal(contracts if seat.venue == "okx" else perpetual)


def _is_placed(record: Record, accounts: Container[str], after_seq: int) -> bool:
    """Tell whether a record says that one of these accounts got an order onto the exchange."""
    placed = record["kind"] == "order" and record["change"] == "NEW" and record["seq"] > after_seq
    return placed and record["account"] in accounts


def _is_base(record: Record, cast: Cast) -> bool:
    market = "perp" if cast.troupe.perpetual else "spot"
    return bool(record["market"] == market and record["symbol"].startswith(cast.troupe.base))


def _net(record: Record) -> Decimal:
    signed = Decimal(record["qty"]) * (1 if record["side"] == "buy" else -1)
    return signed if record["fee_currency"] == "USDT" else signed - Decimal(record["fee"])
