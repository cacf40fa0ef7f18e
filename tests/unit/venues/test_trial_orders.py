"""What a test order asks for, and what an answer to one proves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.okx.order_calls import prechecked
from copydesk.venues.trial import fresh_id, smallest_order, try_order
from venue_symbols import BTC

D = Decimal


@pytest.mark.parametrize("px", ("60000.123", "0.5", "0.001"))
@pytest.mark.parametrize("notional_min", ("0", "5", "100"))
def test_the_smallest_order_is_on_the_grid_and_above_every_minimum(px: str, notional_min: str) -> None:
    instrument = replace(BTC, notional_min=D(notional_min))
    order = smallest_order(instrument, D(px))
    assert order.px is not None and order.px > 0 and order.px % instrument.px_tick == 0
    assert order.qty % instrument.qty_step == 0
    assert order.qty >= instrument.qty_min
    assert order.qty * order.px >= instrument.notional_min


def test_a_market_without_a_price_is_said_to_be_halted() -> None:
    with pytest.raises(VenueRefused) as refusal:
        smallest_order(BTC, None)
    assert refusal.value.code == Denial.INSTRUMENT_HALTED


def test_an_order_that_never_was_has_a_name_that_every_exchange_takes() -> None:
    assert fresh_id() != fresh_id()
    assert fresh_id().isalnum() and len(fresh_id()) == 32


def outcome(denial: str | None, otherwise: str | None = None) -> list[str]:
    """Try an order that is answered like this; return what was asked in which order."""
    asked: list[str] = []

    async def answer(name: str, refused: str | None) -> None:
        asked.append(name)
        if refused is not None:
            raise VenueRefused("no", code=refused)

    async def told() -> None:
        await try_order(answer("test", denial), lambda: answer("otherwise", otherwise))

    asyncio.run(told())
    return asked


@pytest.mark.parametrize(
    "denial",
    (None, Denial.INSUFFICIENT_BALANCE.value, Denial.POSITION_MODE_WRONG.value, Denial.LEVERAGE_REFUSED.value),
)
def test_what_comes_after_the_right_proves_the_right(denial: str | None) -> None:
    assert outcome(denial) == ["test"]


@pytest.mark.parametrize("denial", (Denial.VENUE_REFUSED.value, Denial.KEY_ACCOUNT_TYPE_WRONG.value))
def test_an_account_that_is_offered_no_test_order_is_asked_in_another_way(denial: str) -> None:
    assert outcome(denial) == ["test", "otherwise"]
    with pytest.raises(VenueRefused) as refusal:
        outcome(denial, Denial.KEY_READ_ONLY.value)
    assert refusal.value.code == Denial.KEY_READ_ONLY


@pytest.mark.parametrize("denial", (Denial.KEY_READ_ONLY, Denial.KEY_REJECTED, Denial.ACCOUNT_UNUSABLE))
def test_a_key_or_an_account_that_may_not_trade_is_refused_at_once(denial: Denial) -> None:
    with pytest.raises(VenueRefused) as refusal:
        outcome(denial.value)
    assert refusal.value.code == denial


def test_a_precheck_of_okx_may_judge_the_order_by_a_code_of_its_own() -> None:
    prechecked({"code": "0", "data": [{"adjEq": "41.9", "type": "", "liqPx": ""}]})
    prechecked({"code": "0", "data": []})
    with pytest.raises(VenueRefused) as refusal:
        prechecked({"code": "0", "data": [{"sCode": "51008", "sMsg": "Insufficient balance"}]})
    assert refusal.value.code == Denial.INSUFFICIENT_BALANCE


@pytest.mark.parametrize("failure", (Unavailable("away"), OutcomeUnknown("lost")))
def test_an_exchange_that_does_not_answer_proves_nothing(failure: Exception) -> None:
    async def fails() -> None:
        raise failure

    with pytest.raises(type(failure)):
        asyncio.run(try_order(fails()))
