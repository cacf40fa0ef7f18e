"""Turn one signal and the followers of a shard into copies and denials. Pure; planning twice changes nothing.

What all followers of a signal share is its case: worked out once, and planned for whoever is asked about, then or
later.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from copydesk.kernel import ZERO
from copydesk.replication.closing import Closing, closing_of, plan_close
from copydesk.replication.model import CLOSE, OPEN, Follower, Limits, Planned, SignalFact
from copydesk.replication.opening import plan_open
from copydesk.replication.opening_terms import Opening, open_limit_px, opening_of
from copydesk.trading import Denial, Instrument, OrderType, Side

__all__ = ["CLOSE", "OPEN", "Case", "case_of", "deny_all", "open_limit_px", "plan_case", "plan_copies"]

Case = Opening | Closing


def plan_copies(
    signal: SignalFact, followers: Iterable[Follower], instrument: Instrument, limits: Limits, *, now: datetime
) -> list[Planned]:
    """Plan one copy or denial for each follower that has not yet seen this signal; two where one must turn round.

    A follower whose book already carries this signal or a newer one is left out, so a replay plans nothing.
    """
    return plan_case(case_of(signal, instrument, limits, now), followers)


def case_of(signal: SignalFact, instrument: Instrument, limits: Limits, now: datetime) -> Case:
    """Work out what all followers of a signal share."""
    return (opening_of if signal.opens else closing_of)(signal, instrument, limits, now)


def plan_case(case: Case, followers: Iterable[Follower]) -> list[Planned]:
    """Plan a case for followers, as `plan_copies` does."""
    planned: list[Planned] = []
    add = planned.append
    if isinstance(case, Opening):
        for follower in followers:
            plan_open(case, follower, add)
        return planned
    for follower in followers:
        plan_close(case, follower, add)
    return planned


def deny_all(signal: SignalFact, followers: Iterable[Follower], denial: Denial) -> list[Planned]:
    """Refuse a signal for every follower that has not yet seen it, open or close alike: there is no way to send it."""
    side = Side.BUY if signal.opens != signal.short else Side.SELL
    leg, kind = (OPEN, OrderType.LIMIT) if signal.opens else (CLOSE, OrderType.MARKET)
    return [
        Planned(
            follower.subscription_id,
            follower.account_id,
            leg,
            side,
            kind,
            ZERO,
            None,
            not signal.opens,
            follower.book.target_qty,
            denial,
            carried_qty=follower.book.carried_qty,
            carried_at=follower.book.carried_at,
            allocation=follower.allocation,
            book_qty=follower.book.qty,
        )
        for follower in followers
        if follower.book.last_signal_id < signal.id
    ]
