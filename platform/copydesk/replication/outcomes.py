"""Translate what the exchange answered into a settlement. Pure: unknown stays unknown, proof is proof."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.kernel import ZERO, CopydeskError, OutcomeUnknown, Unavailable, VenueRefused
from copydesk.replication.model import DEAD_KEY, UNSET
from copydesk.replication.settle import Settlement
from copydesk.replication.shortfall import may_be_tried_again
from copydesk.trading import TERMINAL, Denial, Fill, OrderStatus, OrderView
from copydesk.venues import Outcome

# Most exchanges acknowledge an order before they match it, which takes them milliseconds. By the number of looks so
# far.
LOOK_AFTER = (timedelta(milliseconds=50), timedelta(milliseconds=200), timedelta(seconds=1))
ACKNOWLEDGED = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})
_BACKOFF_S_MAX = 30
_MOMENTS_MAX = 4
_KNOWN_DENIALS = frozenset(Denial)
_TELLS_WHERE = DEAD_KEY | UNSET | {Denial.CLOCK_SKEWED}


def settlement_of(
    copy_id: int,
    outcome: Outcome,
    *,
    checks: int,
    unknown_wait_ms: int,
    now: datetime,
    reduces: bool = False,
    exchange: str = "",
) -> Settlement:
    """Say what one answer to an order means for its copy; a refusal for the key's sake names the `exchange`."""
    result = outcome.result
    sent_at, acked_at = _moment(outcome.sent_at), _moment(outcome.acked_at)
    match result:
        case OrderView():
            return settlement_of_view(
                copy_id, result, sent_at=sent_at, acked_at=acked_at, now=now, reduces=reduces, looks=0
            )
        case VenueRefused():
            return Settlement(
                copy_id,
                OrderStatus.REJECTED,
                reason=result.code if result.code in _KNOWN_DENIALS else Denial.VENUE_REFUSED,
                facts={"message": str(result), "venue_code": result.venue_code} | _where(result.code, exchange),
                sent_at=sent_at,
                acked_at=acked_at,
            )
        case Unavailable():
            pause = pause_s(result, checks)
            return Settlement(
                copy_id,
                OrderStatus.IN_FLIGHT,
                reason=Denial.VENUE_UNAVAILABLE,
                facts={"message": str(result)},
                next_check_at=now + timedelta(seconds=pause),
                proof_at=now,
            )
        case OutcomeUnknown():
            proof_at = (sent_at or now) + timedelta(milliseconds=unknown_wait_ms)
            return Settlement(copy_id, OrderStatus.IN_FLIGHT, sent_at=sent_at, next_check_at=now, proof_at=proof_at)


def settlement_of_view(
    copy_id: int,
    view: OrderView,
    *,
    now: datetime,
    looks: int,
    reduces: bool = False,
    sent_at: datetime | None = None,
    acked_at: datetime | None = None,
) -> Settlement:
    """Say what the exchange's view of an order means for its copy, which was looked at so many times before.

    An order that has ended stays open for us until its fills are told in full: they may lag behind it.
    """
    told = sum((fill.qty for fill in view.fills), ZERO) >= view.cum_qty
    status = view.status if told or view.status not in TERMINAL else OrderStatus.PARTIALLY_FILLED
    ended_short = status in TERMINAL and view.cum_qty < view.qty
    return Settlement(
        copy_id,
        status,
        reason=(Denial.NO_LIQUIDITY if reduces else Denial.PRICE_MOVED) if ended_short else None,
        venue_order_id=view.venue_order_id,
        cum_qty=view.cum_qty,
        avg_px=view.avg_px,
        fills=view.fills,
        sent_at=sent_at,
        acked_at=acked_at or now,
        next_check_at=None if status in TERMINAL else now + LOOK_AFTER[min(looks, len(LOOK_AFTER) - 1)],
    )


def _where(code: str, exchange: str) -> dict[str, str]:
    """Name the exchange where a sentence tells the owner what to change there."""
    return {"exchange": exchange} if exchange and code in _TELLS_WHERE else {}


def looks_soon(settlements: Iterable[Settlement]) -> bool:
    """Tell whether a look at once is worth it.

    It is for the fills of what was only acknowledged, for a second try, and for what may be sent in a moment.
    """
    return any(
        settlement.status in ACKNOWLEDGED
        or _waits_a_moment(settlement)
        or (
            settlement.reason is not None
            and may_be_tried_again(settlement.status, settlement.reason, settlement.cum_qty)
        )
        for settlement in settlements
    )


def _waits_a_moment(settlement: Settlement) -> bool:
    """Tell whether something was not sent, and may be within a moment: a lease of the rate budget is on its way."""
    if settlement.reason is not Denial.VENUE_UNAVAILABLE or not settlement.next_check_at or not settlement.proof_at:
        return False
    return settlement.next_check_at - settlement.proof_at <= LOOK_AFTER[1]


def expired(copy_id: int, reason: Denial) -> Settlement:
    """End a copy of which the exchange proved that it never arrived."""
    return Settlement(copy_id, OrderStatus.EXPIRED, reason=reason)


def settlement_of_fills(copy_id: int, fills: tuple[Fill, ...], *, qty: Decimal) -> Settlement:
    """End a copy whose order the exchange has forgotten: what was executed of it decides, all or a part or nothing."""
    cum_qty = sum((fill.qty for fill in fills), ZERO)
    filled = cum_qty >= qty
    return Settlement(
        copy_id,
        OrderStatus.FILLED if filled else OrderStatus.CANCELED,
        reason=None if filled else Denial.ORDER_FORGOTTEN,
        cum_qty=cum_qty,
        avg_px=sum((fill.qty * fill.px for fill in fills), ZERO) / cum_qty if cum_qty else None,
        fills=fills,
    )


def pause_s(trouble: CopydeskError | None, checks: int) -> float:
    """Return how long to wait before the next try: as long as was told, if anybody did.

    A moment is believed a few times only: what never comes is not to be asked for all the time.
    """
    told_s = trouble.told_s if isinstance(trouble, Unavailable) else None
    if not told_s:
        return backoff_s(checks)
    # Looks at moments are many: they do not count towards a long pause.
    return told_s if told_s >= 1 or checks < _MOMENTS_MAX else backoff_s(checks // _MOMENTS_MAX - 1)


def backoff_s(checks: int) -> float:
    """Return how long to wait before the next look: 1, 2, 4 … 30 seconds."""
    return float(min(2 ** min(checks, 10), _BACKOFF_S_MAX))


def _moment(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)
