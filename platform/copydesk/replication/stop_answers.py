"""How the orders of a stop go out, and where their answers go.

What provably never left is sent again at once: nobody else would do it while replicators are down. What the exchange
took is recorded whoever has the lane by then; asking about hundreds of closes one by one takes an exchange's limits
minutes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Lock

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.kernel import Unavailable
from copydesk.replication.dispatch import Orders
from copydesk.replication.settle import Settlement, settle
from copydesk.venues import Outcome, Venue

# Pauses before what was not sent is sent again, unless the exchange's limits name a longer one.
_PAUSES_S = (0.05, 0.1, 0.2, 0.4)

# Locked, so that nobody takes the lane over between this look and the answers.
_OPEN = text(
    """
    SELECT id, client_order_id, epoch FROM copy
    WHERE shard = :shard AND status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
      AND client_order_id = ANY(CAST(:client_order_ids AS text[]))
    ORDER BY id FOR UPDATE
    """
)


async def send_closes(venue: Venue, orders: Orders, *, may_send: Callable[[], bool]) -> list[Outcome]:
    """Send every close, and again whatever provably did not leave, as long as `may_send` allows it."""
    outcomes = await venue.submit_many(orders, may_send=may_send)
    tries = 0
    while may_send() and (unsent := [place for place, one in enumerate(outcomes) if _never_left(one)]):
        await asyncio.sleep(_pause_s([outcomes[place] for place in unsent], tries))
        again = await venue.submit_many([orders[place] for place in unsent], may_send=may_send)
        for place, outcome in zip(unsent, again, strict=True):
            outcomes[place] = outcome
        tries += 1
    return outcomes


def _never_left(outcome: Outcome) -> bool:
    return isinstance(outcome.result, Unavailable)


def _pause_s(unsent: Sequence[Outcome], tries: int) -> float:
    """Return how long to wait: as long as the least of what was told, and ever longer where nothing was."""
    told = [one.result.told_s for one in unsent if isinstance(one.result, Unavailable) and one.result.told_s]
    return max(min(told, default=0.0), _PAUSES_S[min(tries, len(_PAUSES_S) - 1)])


def record_answers(session: TenantSession, shard: str, answers: Mapping[str, Settlement], *, epoch: int | None) -> None:
    """Store answers by client order id, which were asked for under `epoch`, None if under none.

    That the exchange took an order is true under any epoch. That it did not is of use to our own alone: whoever has
    taken the lane over may have sent it again.
    """
    ids = {"shard": shard, "client_order_ids": array_literal(sorted(answers))}
    found: defaultdict[int, list[Settlement]] = defaultdict(list)
    for copy_id, client_order_id, held_under in session.execute(_OPEN, ids) if answers else ():
        answer = answers[client_order_id]
        if held_under == epoch or answer.venue_order_id is not None:
            found[held_under].append(answer._replace(copy_id=copy_id))
    for held_under, settlements in found.items():
        settle(session, settlements, epoch=held_under)


class Unrecorded:
    """Answers that could not be recorded yet, by client order id. Safe to use from several threads."""

    def __init__(self) -> None:
        self._answers: dict[str, Settlement] = {}
        self._lock = Lock()

    def add(self, answers: Mapping[str, Settlement]) -> None:
        """Keep answers until `drop` is told that they are recorded."""
        with self._lock:
            self._answers |= answers

    def of(self, client_order_ids: Collection[str]) -> dict[str, Settlement]:
        """Return what is known of these."""
        with self._lock:
            return {one: self._answers[one] for one in client_order_ids if one in self._answers}

    def drop(self, client_order_ids: Collection[str]) -> None:
        with self._lock:
            for one in client_order_ids:
                self._answers.pop(one, None)
