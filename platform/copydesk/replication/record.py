"""Make copies of a delivery's intents, each with what is known of it, and move the books that they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import TenantSession, moment_array, number_array, sparse_array, word_array
from copydesk.replication.deliveries import LegIntents, Place, claim_intents, left_behind
from copydesk.replication.model import Planned
from copydesk.replication.settle import Settlement, book_fills, forgo, heed_refusals
from copydesk.trading import OrderStatus

# Of what was not answered nothing is known: it may have been sent. It is asked about once, when the answer is proof: to
# ask a thousand twice would spend the rate budget that sending them again needs. What waits for a close was not sent.
_MAKE = text(
    """
    INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, position_side, side, type,
                      qty, px, reduces, waits, client_order_id, epoch, planned_at, status, reason, reason_facts,
                      venue_order_id, cum_qty, avg_px, sent_at, acked_at, checks, next_check_at, proof_at,
                      wanted_qty, allocation, book_qty, bound)
    SELECT :tenant_id, c.subscription_id, :signal_id, c.account_id, :shard, :leg, :symbol, :position_side, :side, :type,
           c.qty, CASE WHEN c.denial IS NULL THEN CAST(:px AS numeric) END, :reduces, coalesce(c.waits, false),
           c.client_order_id,
           :epoch, :planned_at,
           coalesce(c.status, CASE WHEN c.denial IS NOT NULL THEN 'denied' WHEN c.waits THEN 'planned'
                                   ELSE 'in_flight' END),
           coalesce(c.denial, c.reason),
           nullif(coalesce(CAST(:facts AS jsonb) -> c.place::text, '{}')
                  || coalesce(CAST(:answer_facts AS jsonb) -> c.place::text, '{}'), '{}'),
           c.venue_order_id, coalesce(c.cum_qty, 0), c.avg_px, c.sent_at, c.acked_at, (c.status IS NOT NULL)::int,
           CASE WHEN c.status IS NOT NULL OR c.denial IS NOT NULL THEN c.next_check_at
                WHEN c.waits THEN :now ELSE :proof_at END,
           CASE WHEN c.status IS NULL AND c.denial IS NULL AND c.waits IS NULL THEN :proof_at ELSE c.proof_at END,
           c.wanted_qty, c.allocation, c.book_qty, c.bound
    FROM unnest(
        CAST(:subscription_ids AS bigint[]), CAST(:account_ids AS bigint[]), CAST(:qtys AS numeric[]),
        CAST(:client_order_ids AS text[]), CAST(:denials AS text[]), CAST(:waits AS boolean[]),
        CAST(:wanted_qtys AS numeric[]), CAST(:allocations AS numeric[]), CAST(:book_qtys AS numeric[]),
        CAST(:bounds AS text[]),
        CAST(:statuses AS text[]), CAST(:reasons AS text[]), CAST(:venue_order_ids AS text[]),
        CAST(:cum_qtys AS numeric[]), CAST(:avg_pxs AS numeric[]), CAST(:sent_ats AS timestamptz[]),
        CAST(:acked_ats AS timestamptz[]), CAST(:next_checks AS timestamptz[]), CAST(:proofs AS timestamptz[]))
        WITH ORDINALITY AS c(subscription_id, account_id, qty, client_order_id, denial, waits, wanted_qty, allocation,
                             book_qty, bound, status, reason, venue_order_id, cum_qty, avg_px, sent_at, acked_at,
                             next_check_at, proof_at, place)
    ON CONFLICT (tenant_id, signal_id, subscription_id, leg) DO NOTHING
    RETURNING id, subscription_id
    """
)

_AIM = text(
    """
    INSERT INTO book (tenant_id, subscription_id, symbol, position_side, target_qty, carried_qty, carried_at,
                      last_signal_id)
    SELECT :tenant_id, t.subscription_id, :symbol, :position_side, t.target_qty, coalesce(t.carried_qty, 0),
           t.carried_at, :signal_id
    FROM unnest(CAST(:subscription_ids AS bigint[]), CAST(:targets AS numeric[]), CAST(:carried_qtys AS numeric[]),
                CAST(:carried_ats AS timestamptz[])) AS t(subscription_id, target_qty, carried_qty, carried_at)
    ON CONFLICT (tenant_id, subscription_id, symbol, position_side) DO UPDATE
    SET target_qty = excluded.target_qty, carried_qty = excluded.carried_qty, carried_at = excluded.carried_at,
        last_signal_id = excluded.last_signal_id, updated_at = now()
    WHERE book.last_signal_id <= excluded.last_signal_id
    """
)

_ANSWER_COLUMNS = (
    *("statuses", "reasons", "venue_order_ids", "cum_qtys", "avg_pxs"),
    *("sent_ats", "acked_ats", "next_checks", "proofs"),
)
_NO_ANSWERS: dict[str, Any] = dict.fromkeys(_ANSWER_COLUMNS, "{}") | {"answer_facts": None}
# What intents say of books rather than of copies.
_AIMS = ("targets", "carried_qtys", "carried_ats")
_UNKNOWN = Settlement(0, OrderStatus.IN_FLIGHT)


class Leg(NamedTuple):
    """One leg of a delivery: what was planned, and the same in the form in which it is stored."""

    planned: Sequence[Planned]
    intents: LegIntents


@dataclass(frozen=True)
class Moment:
    """When intents were stored, what time it is, and from when on "no such order" is proof for unanswered ones."""

    planned_at: datetime
    now: datetime
    proof_at: datetime


def record(
    session: TenantSession,
    place: Place,
    legs: Sequence[Leg],
    settlements: Sequence[Settlement],
    *,
    epoch: int,
    moment: Moment,
    stored_at: datetime,
) -> None:
    """Make copies of a delivery's intents with their answers, in this transaction.

    A settlement's `copy_id` is here the copy's place among all intents, leg after leg, from 0 on. Where another worker
    took the lane over meanwhile nothing is recorded: it has made the copies, and asks about them itself.
    """
    if not claim_intents(session, place, epoch=epoch, stored_at=stored_at):
        return
    answers = {settlement.copy_id: settlement for settlement in settlements}
    first = 0
    for leg in legs:
        _record_leg(session, place, leg, [answers.get(first + n) for n in range(len(leg.planned))], epoch, moment)
        first += len(leg.planned)


def adopt_intents(session: TenantSession, *, shard: str, epoch: int, wait_ms: int) -> int:
    """Make copies of unknown outcome of everything that an earlier holder of the lane was about to send."""
    found = left_behind(session, shard)
    for left in found:
        proof_at = left.found_at + timedelta(milliseconds=wait_ms)
        moment = Moment(left.planned_at, left.found_at, proof_at)
        for intents in left.legs:
            _make(session, left.place, intents, _NO_ANSWERS, epoch, moment)
            _aim(session, left.place, intents)
    return len(found)


def _record_leg(
    session: TenantSession,
    place: Place,
    leg: Leg,
    answers: Sequence[Settlement | None],
    epoch: int,
    moment: Moment,
) -> None:
    ids = _make(session, place, leg.intents, _answer_columns(answers), epoch, moment)
    _aim(session, place, leg.intents)
    pairs = [(item, answer) for item, answer in zip(leg.planned, answers, strict=True) if answer is not None]
    fills = [
        (ids[item.subscription_id], fill)
        for item, answer in pairs
        if answer.fills and item.subscription_id in ids
        for fill in answer.fills
    ]
    book_fills(session, fills, epoch)
    refused = [(item, answer) for item, answer in pairs if answer.reason and item.subscription_id in ids]
    heed_refusals(session, [answer._replace(copy_id=ids[item.subscription_id]) for item, answer in refused])
    forgo(
        session,
        [
            (item.subscription_id, place.symbol, place.position_side, str(item.side))
            for item, answer in pairs
            if not item.reduces and answer.ended_short(item.qty)
        ],
    )


def _answer_columns(answers: Sequence[Settlement | None]) -> dict[str, Any]:
    """Put answers in columns beside their intents; None where nothing was asked."""
    rows = [answer or _UNKNOWN for answer in answers]
    return {
        "statuses": word_array([answer and answer.status for answer in answers]),
        "reasons": sparse_array([row.reason for row in rows]),
        "venue_order_ids": sparse_array([row.venue_order_id for row in rows]),
        "cum_qtys": number_array([row.cum_qty for row in rows]),
        "avg_pxs": number_array([row.avg_px for row in rows]),
        "sent_ats": moment_array([row.sent_at for row in rows]),
        "acked_ats": moment_array([row.acked_at for row in rows]),
        "next_checks": sparse_array([row.next_check_at for row in rows]),
        "proofs": sparse_array([row.proof_at for row in rows]),
        "answer_facts": Jsonb({str(n): row.facts for n, row in enumerate(rows, start=1) if row.facts}),
    }


def _make(
    session: TenantSession,
    place: Place,
    intents: LegIntents,
    answers: Mapping[str, Any],
    epoch: int,
    moment: Moment,
) -> dict[int, int]:
    """Insert copies and return their ids by subscription; those that exist already are not in it."""
    columns = {name: column for name, column in intents.columns.items() if name not in _AIMS}
    params = {
        **vars(place),
        **intents.alike,
        **columns,
        **vars(moment),
        **answers,
        "tenant_id": session.tenant_id,
        "epoch": epoch,
        "facts": Jsonb(intents.facts),
    }
    return {subscription_id: copy_id for copy_id, subscription_id in session.execute(_MAKE, params)}


def _aim(session: TenantSession, place: Place, intents: LegIntents) -> None:
    columns = {name: intents.columns[name] for name in ("subscription_ids", *_AIMS)}
    keys = {"signal_id": place.signal_id, "symbol": place.symbol, "position_side": place.position_side}
    session.execute(_AIM, {"tenant_id": session.tenant_id, **keys, **columns})
