"""What is remarked beside the figures of a strategy, and what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from copydesk.analytics import Fills, Raw, Summary, conduct_of, fold
from copydesk.analytics.flags import Conduct, Flag, flags_of

MINUTE_S = 60
BEGAN_S = 20_000 * 86_400
Fill = tuple[int, float, float]


def conduct(*fills: Fill, **facts: object) -> Conduct:
    """Trade a fill a minute with an account of 1000, and say how it was done."""
    instrument, qty, px = (np.array(column) for column in zip(*fills, strict=True))
    at_ms = (BEGAN_S + np.arange(1, len(fills) + 1) * MINUTE_S) * 1000
    rows = Fills(np.arange(len(fills)), instrument.astype(np.int64), at_ms, qty * 1.0, px * 1.0, np.zeros(len(fills)))
    now_s = BEGAN_S + (len(fills) + 1) * MINUTE_S
    summary, _ = fold(Summary.empty(BEGAN_S, 1000.0), Raw(rows, ("A", "B", "C", "D")), until_s=now_s)
    return replace(conduct_of(summary, now_s=now_s), **facts)  # type: ignore[arg-type]


def round_trips(*earned: float, qty: float = 1.0, instruments: int = 3) -> list[Fill]:
    """Buy at 100 and sell for a profit, in turn in several instruments."""
    sold = [
        ((place % instruments, qty, 100.0), (place % instruments, -qty, 100.0 + won))
        for place, won in enumerate(earned)
    ]
    return [fill for pair in sold for fill in pair]


ORDERLY = round_trips(3, -2, 4, -1, 2, -3)


def test_orderly_trading_is_not_remarked() -> None:
    assert flags_of(conduct(*ORDERLY, stops=1.0, leverage_now=3, leverage_before=3)) == {}


def test_adding_ever_more_to_losing_positions_is_a_martingale() -> None:
    doubled = [(1, 1.0, 100.0), (1, 2.0, 95.0), (1, 4.0, 90.0), (1, -7.0, 97.0)]

    assert flags_of(conduct(*ORDERLY, *doubled))[Flag.MARTINGALE] == {"share": pytest.approx(1 / 7), "size_up": 4.0}


def test_a_large_loss_without_a_stop_is_remarked_and_one_with_stops_is_not() -> None:
    fills = round_trips(3, -2, -15, qty=10.0)

    assert flags_of(conduct(*fills, stops=0.0))[Flag.NO_STOP] == {"stops": 0.0, "loss": pytest.approx(150 / 1010)}
    assert Flag.NO_STOP not in flags_of(conduct(*fills, stops=0.9))
    assert Flag.NO_STOP not in flags_of(conduct(*fills))


def test_many_small_wins_and_few_large_losses_are_remarked() -> None:
    shown = flags_of(conduct(*round_trips(1, 1, 1, 1, 1, 1, 1, 1, 1, -20)))

    assert shown[Flag.WINS_TOO_GOOD] == {"wins": 0.9, "times": 20.0}


def test_one_position_many_times_the_usual_size_is_remarked() -> None:
    shown = flags_of(conduct(*ORDERLY, *round_trips(2, qty=8.0)))

    assert shown[Flag.SIZE_OUTLIER]["times"] == pytest.approx(8, rel=0.05)


def test_leverage_that_doubled_is_remarked() -> None:
    shown = flags_of(conduct(*ORDERLY, leverage_now=20.0, leverage_before=5.0))

    assert shown[Flag.LEVERAGE_JUMP] == {"now": 20.0, "before": 5.0}


def test_a_loss_that_only_open_positions_show_is_remarked() -> None:
    assert flags_of(conduct(*ORDERLY, (3, 10.0, 100.0), (3, 0.001, 90.0)))[Flag.HIDDEN_LOSS] == {
        "share": pytest.approx(0.1, rel=0.2)
    }


def test_trading_one_instrument_alone_is_remarked() -> None:
    assert flags_of(conduct(*round_trips(1, -1, 1, -1, 1, instruments=1)))[Flag.ONE_INSTRUMENT] == {"share": 1.0}


def test_an_account_that_was_lost_once_stays_remarked() -> None:
    assert flags_of(conduct(*ORDERLY, *round_trips(-50, qty=30.0)))[Flag.RESET] == {"restarts": 1.0}
    assert flags_of(conduct(*ORDERLY, restarts=2))[Flag.RESET] == {"restarts": 2.0}


def test_a_few_positions_are_no_habit() -> None:
    assert flags_of(conduct(*round_trips(1, 1, -50, instruments=1))) == {}
