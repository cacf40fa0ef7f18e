"""Protective stops as rows: stored before they are sent, and booked as copies when the exchange has filled one.

A stop is of its own while it rests. Once it is filled it becomes a copy (leg "guard-N") of the signal that was planned
into its book last, so that fills, books and receipts know it like any other order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, text

from copydesk.db import TenantSession, array_literal, moment_array, number_array
from copydesk.kernel import ZERO, decimal_text
from copydesk.replication.margin_modes import PLAIN, told_mode
from copydesk.replication.model import Bound
from copydesk.replication.orders import copy_digest
from copydesk.replication.outcomes import settlement_of_view
from copydesk.replication.rest_rows import recall_orders
from copydesk.replication.settle import settle
from copydesk.risk.acts import Act, ActState, store_acts
from copydesk.risk.protection import Protection as Terms
from copydesk.risk.protection import ProtectiveState, StopRow
from copydesk.trading import MarginMode, OrderRequest, OrderType, OrderView, PositionSide, Side
from copydesk.venues import VenueTraits, client_order_id

GUARD = "guard"
EXCHANGE_STOP = "exchange_stop"

_READ = text(
    """
    SELECT id, subscription_id, account_id, shard, symbol, position_side, revision, side, qty, trigger_px,
           client_order_id, state, looks, look_at, proof_at, verified_at,
           (SELECT p.margin_mode FROM account_setup p WHERE p.tenant_id = protective_stop.tenant_id
               AND p.account_id = protective_stop.account_id AND p.symbol = protective_stop.symbol) AS margin_mode
    FROM protective_stop WHERE state IN ('placing', 'resting', 'canceling') ORDER BY id
    """
)
_REVISIONS = text(
    "SELECT subscription_id, symbol, position_side, max(revision) FROM protective_stop "
    "WHERE subscription_id = ANY(CAST(:ids AS bigint[])) GROUP BY 1, 2, 3"
)
_PLACE = text(
    """
    INSERT INTO protective_stop (tenant_id, subscription_id, account_id, shard, symbol, position_side, revision, side,
                                 qty, trigger_px, client_order_id, state, look_at, proof_at)
    SELECT :tenant_id, o.subscription_id, o.account_id, o.shard, o.symbol, o.position_side, o.revision, o.side, o.qty,
           o.trigger_px, o.client_order_id, 'placing', :now, :proof_at
    FROM unnest(CAST(:subscription_ids AS bigint[]), CAST(:account_ids AS bigint[]), CAST(:shards AS text[]),
                CAST(:symbols AS text[]), CAST(:position_sides AS text[]), CAST(:revisions AS int[]),
                CAST(:sides AS text[]), CAST(:qtys AS numeric[]), CAST(:trigger_pxs AS numeric[]),
                CAST(:client_order_ids AS text[]))
        AS o(subscription_id, account_id, shard, symbol, position_side, revision, side, qty, trigger_px,
             client_order_id)
    ON CONFLICT (tenant_id, subscription_id, symbol, position_side, revision) DO NOTHING
    RETURNING id, subscription_id, account_id, shard, symbol, position_side, revision, side, qty, trigger_px,
              client_order_id, state, looks, look_at, proof_at, verified_at,
              (SELECT p.margin_mode FROM account_setup p WHERE p.tenant_id = protective_stop.tenant_id
                  AND p.account_id = protective_stop.account_id AND p.symbol = protective_stop.symbol) AS margin_mode
    """
)
_MARK = text(
    """
    UPDATE protective_stop SET state = :state, reason = :reason, looks = :looks, look_at = :look_at,
        verified_at = CASE WHEN :verified THEN CAST(:now AS timestamptz) ELSE verified_at END,
        at = clock_timestamp()
    WHERE id = :id AND state IN ('placing', 'resting', 'canceling')
    """
)
_HELD = text(
    """
    SELECT b.qty, b.last_signal_id, s.allocation, l.epoch FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    LEFT JOIN shard_lease l ON l.tenant_id = b.tenant_id AND l.shard = :shard
    WHERE b.subscription_id = :subscription_id AND b.symbol = :symbol AND b.position_side = :position_side
    FOR UPDATE OF b
    """
)
_COPY = text(
    """
    INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, position_side, side, type,
                      qty, px, reduces, client_order_id, status, epoch, planned_at, wanted_qty, allocation, book_qty,
                      bound)
    VALUES (:tenant_id, :subscription_id, :signal_id, :account_id, :shard, :leg, :symbol, :position_side, :side,
            'stop_market', :qty, :trigger_px, true, :client_order_id, 'in_flight', :epoch, :now, :qty, :allocation,
            :book_qty, :bound)
    ON CONFLICT (tenant_id, signal_id, subscription_id, leg) DO NOTHING RETURNING id
    """
)
_AIM = text(
    "UPDATE book SET target_qty = 0, carried_qty = 0, carried_at = NULL, updated_at = now() "
    "WHERE subscription_id = :subscription_id AND symbol = :symbol AND position_side = :position_side"
)
_PAUSE = text(
    "UPDATE subscription SET state = 'paused', state_reason = :reason "
    "WHERE id = :subscription_id AND state IN ('synced', 'catching_up', 'out_of_sync')"
)
_UNSHOWN = text(
    """
    SELECT subscription_id, symbol, position_side FROM protective_stop
    WHERE subscription_id = ANY(CAST(:ids AS bigint[])) AND state IN ('placing', 'resting', 'canceling')
      AND (verified_at IS NULL OR verified_at < (SELECT m.at FROM unnest(CAST(:ids AS bigint[]),
           CAST(:symbols AS text[]), CAST(:sides AS text[]), CAST(:ats AS timestamptz[])) AS m(id, symbol, side, at)
           WHERE m.id = subscription_id AND m.symbol = protective_stop.symbol AND m.side = position_side))
    """
)
# One book of one subscription.
BookKey = tuple[int, str, PositionSide]


class NewStop(NamedTuple):
    """A stop to be placed for one book."""

    subscription_id: int
    account_id: int
    shard: str
    symbol: str
    position_side: PositionSide
    terms: Terms


class Protective(NamedTuple):
    """A stop that rests at an exchange, or may."""

    id: int
    subscription_id: int
    account_id: int
    shard: str
    symbol: str
    position_side: PositionSide
    revision: int
    terms: Terms
    client_order_id: str
    state: ProtectiveState
    looks: int = 0
    look_at: datetime | None = None
    proof_at: datetime | None = None
    verified_at: datetime | None = None
    margin_mode: MarginMode = PLAIN

    @property
    def row(self) -> StopRow:
        return StopRow(self.revision, self.state, self.terms)

    def request(self) -> OrderRequest:
        """Return the order that is sent: at market once the trigger is reached, and only ever reducing."""
        return OrderRequest(
            self.client_order_id,
            self.symbol,
            self.terms.side,
            OrderType.STOP_MARKET,
            self.terms.qty,
            reduces=True,
            position_side=self.position_side,
            trigger_px=self.terms.trigger_px,
            margin_mode=self.margin_mode,
        )


class Progress(NamedTuple):
    """What is known of a stop after an answer, and when it is looked at next."""

    stop: Protective
    state: ProtectiveState
    look_at: datetime | None = None
    looks: int = 0
    reason: str | None = None
    verified: bool = False

    @property
    def now(self) -> Protective:
        return self.stop._replace(state=self.state, look_at=self.look_at, looks=self.looks)


def open_stops(session: TenantSession) -> list[Protective]:
    """Return the brand's stops that rest, or may."""
    return [_protective(row) for row in session.execute(_READ).mappings()]


def store_stops(
    session: TenantSession,
    new: Sequence[NewStop],
    market_of: Mapping[str, tuple[str, VenueTraits]],
    *,
    now: datetime,
    proof_at: datetime,
) -> list[Protective]:
    """Store stops that are about to be placed, each with a client order id of its own; return them.

    `market_of` gives, by shard, how ids begin and the exchange's habits. What another process stored first is left out.
    """
    ids = number_array(sorted({one.subscription_id for one in new}))
    before = {tuple(key): revision for *key, revision in session.execute(_REVISIONS, {"ids": ids})}
    rows = []
    for one in new:
        revision = before.get((one.subscription_id, one.symbol, str(one.position_side)), 0) + 1
        prefix, traits = market_of[one.shard]
        leg = f"{GUARD} {one.symbol} {one.position_side}"
        digest = copy_digest(session.tenant_id, one.subscription_id, revision, leg)
        rows.append((*one[:5], revision, *one.terms, client_order_id(prefix, digest, traits)))
    names = (
        *("subscription_ids", "account_ids", "shards", "symbols", "position_sides", "revisions", "sides", "qtys"),
        *("trigger_pxs", "client_order_ids"),
    )
    columns = {name: array_literal([row[place] for row in rows]) for place, name in enumerate(names)}
    told = {"tenant_id": session.tenant_id, "now": now, "proof_at": proof_at}
    return [_protective(row) for row in session.execute(_PLACE, told | columns).mappings()]


def note_progress(session: TenantSession, progress: Iterable[Progress], now: datetime) -> None:
    """Store what is known of stops."""
    rows = [
        {
            "id": one.stop.id,
            "state": str(one.state),
            "reason": one.reason,
            "looks": one.looks,
            "look_at": one.look_at,
            "verified": one.verified,
            "now": now,
        }
        for one in progress
    ]
    if rows:
        session.execute(_MARK, rows)


def book_filled(session: TenantSession, stop: Protective, view: OrderView, now: datetime) -> bool:
    """Book a stop that the exchange has filled, stop opening for its subscription, and tell why.

    False where its book is flat already: then somebody has written the position off before.
    """
    held = session.execute(_HELD, _keys(stop) | {"shard": stop.shard}).one_or_none()
    note_progress(session, [Progress(stop, ProtectiveState.FILLED)], now)
    closing = -1 if stop.terms.side is Side.BUY else 1
    if held is None or held.qty * closing <= 0:
        return False
    copy = _keys(stop) | {
        "tenant_id": session.tenant_id,
        "signal_id": held.last_signal_id,
        "account_id": stop.account_id,
        "shard": stop.shard,
        "leg": f"{GUARD}-{stop.revision}",
        "side": str(stop.terms.side),
        "qty": stop.terms.qty,
        "trigger_px": stop.terms.trigger_px,
        "client_order_id": stop.client_order_id,
        "epoch": held.epoch or 0,
        "now": now,
        "allocation": held.allocation,
        "book_qty": held.qty,
        "bound": str(Bound.NONE),
    }
    copy_id = session.execute(_COPY, copy).scalar()
    if copy_id is None:
        return False
    settle(session, [settlement_of_view(copy_id, view, now=now, looks=0, reduces=True)], epoch=held.epoch or 0)
    session.execute(_AIM, _keys(stop))
    session.execute(_PAUSE, _keys(stop) | {"reason": EXCHANGE_STOP})
    recall_orders(session, stop.subscription_id)
    store_acts(session, [_act(stop, view, now)])
    return True


def not_shown_since(session: TenantSession, missing: Mapping[BookKey, datetime]) -> set[BookKey]:
    """Name the books whose stops were not seen resting since their position was missing: it may be their doing."""
    if not missing:
        return set()
    params = {
        "ids": number_array([owner for owner, _, _ in missing]),
        "symbols": array_literal([symbol for _, symbol, _ in missing]),
        "sides": array_literal([str(side) for _, _, side in missing]),
        "ats": moment_array(list(missing.values())),
    }
    return {(owner, symbol, PositionSide(side)) for owner, symbol, side in session.execute(_UNSHOWN, params)}


def _act(stop: Protective, view: OrderView, now: datetime) -> Act:
    facts = {
        "kind": EXCHANGE_STOP,
        "symbol": stop.symbol,
        "position_side": str(stop.position_side),
        "trigger": decimal_text(stop.terms.trigger_px),
        "closed": decimal_text(view.cum_qty),
        "px": decimal_text(view.avg_px or ZERO),
    }
    line = f"stop at the exchange: {stop.symbol} at {decimal_text(stop.terms.trigger_px)}"
    reference = f"{GUARD}-{stop.client_order_id}"
    return Act(
        reference, "position", stop.subscription_id, stop.subscription_id, line, "close", ActState.CLOSED, facts, now
    )


def _keys(stop: Protective) -> dict[str, Any]:
    return {
        "subscription_id": stop.subscription_id,
        "symbol": stop.symbol,
        "position_side": str(stop.position_side),
    }


def _protective(row: RowMapping) -> Protective:
    told = dict(row)
    terms = Terms(Side(told.pop("side")), told.pop("qty"), told.pop("trigger_px"))
    told |= {"position_side": PositionSide(told["position_side"]), "state": ProtectiveState(told["state"])}
    told["margin_mode"] = told_mode(told["margin_mode"])
    return Protective(terms=terms, **told)
