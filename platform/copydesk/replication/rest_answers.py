"""What an exchange's answer means for a resting order: what is stored of its copy, and in which state it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from copydesk.kernel import CopydeskError, Unavailable, VenueRefused
from copydesk.replication.outcomes import backoff_s, settlement_of, settlement_of_fills, settlement_of_view
from copydesk.replication.rest_calls import NO_KEY, Answer, Executions, Task
from copydesk.replication.rest_rows import Marks
from copydesk.replication.rest_writes import Placing
from copydesk.replication.resting import OrderTerms, Rest, RestState, Step
from copydesk.replication.settle import Settlement
from copydesk.trading import TERMINAL, Denial, OrderStatus, OrderView
from copydesk.venues import Outcome

LOOK_AGAIN = timedelta(milliseconds=300)
_OWNER = str(Denial.ORDER_CANCELED_BY_OWNER)


@dataclass(frozen=True)
class Pace:
    """How long what rests is left alone, and how long after sending "no such order" is no proof yet."""

    look_every: timedelta
    unknown_wait_ms: int


@dataclass
class Verdict:
    """What is to be stored: of copies, of states, and of what orders say after an amendment (None: not known)."""

    settlements: list[Settlement] = field(default_factory=list)
    marks: list[tuple[Rest, Marks]] = field(default_factory=list)
    amended: list[tuple[Rest, OrderTerms | None, datetime]] = field(default_factory=list)


def judge_placed(verdict: Verdict, item: Placing, outcome: Outcome, pace: Pace, now: datetime) -> None:
    """Judge the answer to a new order."""
    rest, result = item.rest, outcome.result
    answer = settlement_of(
        item.copy_id, outcome, checks=0, unknown_wait_ms=pace.unknown_wait_ms, now=now, reduces=rest.reduces
    )
    if isinstance(result, OrderView):
        verdict.settlements.append(answer._replace(reason=None))
        verdict.marks.append((rest, _standing(result.status, pace, now)))
    elif isinstance(result, VenueRefused):
        verdict.settlements.append(answer)
        # What never rested is copied by its fills; unless some of them were left to it already.
        state = RestState.OVER if rest.revision or rest.due_qty else RestState.DONE
        verdict.marks.append((rest, Marks(state, now + pace.look_every, reason=str(answer.reason))))
    elif isinstance(result, Unavailable):
        # Provably nothing was sent. The next try is another order, with another id.
        verdict.settlements.append(answer._replace(status=OrderStatus.EXPIRED))
        pause = timedelta(seconds=max(result.retry_after_s, backoff_s(rest.looks)))
        verdict.marks.append((rest, Marks(RestState.OVER, now + pause, rest.looks + 1)))
    else:
        verdict.settlements.append(answer)
        verdict.marks.append((rest, Marks(RestState.PLACING, now + LOOK_AGAIN)))


def judge_answer(verdict: Verdict, task: Task, answer: Answer, pace: Pace, now: datetime) -> None:
    """Judge the answer to an amendment, a cancellation or a question."""
    rest = task.rest
    if isinstance(answer, CopydeskError):
        verdict.marks.append((rest, _after_trouble(task, answer, now)))
    elif answer is None:
        _judge_absent(verdict, task, now)
    elif isinstance(answer, Executions):
        assert rest.copy_id is not None, "what was never placed is not asked about"
        settlement = settlement_of_fills(rest.copy_id, answer.fills, qty=rest.qty)
        verdict.settlements.append(settlement)
        verdict.marks.append((rest, Marks(RestState.OVER, now, reason=_ended_by(rest, settlement.status))))
    else:
        _judge_view(verdict, task, answer, pace, now)


def _judge_view(verdict: Verdict, task: Task, view: OrderView, pace: Pace, now: datetime) -> None:
    rest = task.rest
    assert rest.copy_id is not None, "what was never placed is not asked about"
    answer = settlement_of_view(rest.copy_id, view, now=now, looks=rest.looks, reduces=rest.reduces)
    # That a resting order ended short is no trouble: the leader's did too, or another one follows.
    verdict.settlements.append(answer._replace(reason=None))
    if view.status in TERMINAL:
        # Fills are told by a question alone, and may lag behind.
        first = answer.status in TERMINAL or task.step is not Step.LOOK
        again = timedelta(0) if first else LOOK_AGAIN * 2 ** min(rest.looks, 6)
        reason = _ended_by(rest, view.status) if task.step is Step.LOOK else None
        verdict.marks.append((rest, Marks(RestState.OVER, now + again, rest.looks + 1, reason)))
    elif task.step is Step.AMEND:
        verdict.amended.append((rest, task.terms, now + pace.look_every))
    elif rest.state is RestState.AMENDING:
        verdict.amended.append((rest, None, now))
    elif task.step is Step.CANCEL:
        verdict.marks.append((rest, _later(rest, RestState.CANCELING, now)))
    else:
        # What the leader's order was filled, ours will be in a moment.
        behind = rest.due_qty > rest.earlier_qty + view.cum_qty
        pause = min(timedelta(seconds=backoff_s(rest.looks)), pace.look_every) if behind else pace.look_every
        looks = rest.looks + 1 if behind else 0
        verdict.marks.append((rest, Marks(RestState.RESTING, now + pause, looks, looked=True)))


def _standing(status: OrderStatus, pace: Pace, now: datetime) -> Marks:
    if status in TERMINAL:
        return Marks(RestState.OVER, now)
    return Marks(RestState.RESTING, now + pace.look_every)


def _ended_by(rest: Rest, status: OrderStatus) -> str | None:
    """Name the owner where an order ended that nobody of us had asked to end."""
    ours = rest.state in (RestState.CANCELING, RestState.PLACING, RestState.OVER)
    return None if ours or status is OrderStatus.FILLED else _OWNER


def _judge_absent(verdict: Verdict, task: Task, now: datetime) -> None:
    """No such order: it is over and has to be read; or it never arrived, as soon as that is proof."""
    rest = task.rest
    assert rest.copy_id is not None, "what was never placed is not asked about"
    doubt = {Step.AMEND: RestState.AMENDING, Step.CANCEL: RestState.OVER}
    if task.step in doubt:
        verdict.marks.append((rest, Marks(doubt[task.step], now)))
    elif rest.acked_at is not None:
        verdict.marks.append((rest, _later(rest, rest.state, now)))
    elif rest.proof_at is not None and now < rest.proof_at:
        verdict.marks.append((rest, Marks(rest.state, min(rest.proof_at, now + LOOK_AGAIN * 3))))
    else:
        absent = Settlement(rest.copy_id, OrderStatus.EXPIRED, reason=Denial.NEVER_ARRIVED)
        verdict.settlements.append(absent)
        verdict.marks.append((rest, Marks(RestState.OVER, now)))


def _after_trouble(task: Task, trouble: CopydeskError, now: datetime) -> Marks:
    """Ask later what became of it; an order that may not be amended is replaced by another one."""
    rest = task.rest
    if task.step is Step.AMEND:
        if isinstance(trouble, VenueRefused) and trouble is not NO_KEY:
            return Marks(RestState.CANCELING, now)
        return _later(rest, RestState.AMENDING, now, trouble)
    if task.step is Step.CANCEL:
        return _later(rest, RestState.CANCELING, now, trouble)
    return _later(rest, rest.state, now, trouble)


def _later(rest: Rest, state: RestState, now: datetime, trouble: CopydeskError | None = None) -> Marks:
    pause = backoff_s(rest.looks)
    if isinstance(trouble, Unavailable):
        pause = max(pause, trouble.retry_after_s)
    return Marks(state, now + timedelta(seconds=pause), rest.looks + 1)
