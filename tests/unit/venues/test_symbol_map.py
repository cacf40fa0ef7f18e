"""Instruments by name: unknown or stale ones refuse before anything is sent; contracts convert exactly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Denial
from copydesk.venues import SymbolMap
from copydesk.venues.symbols import base_of, contracts_of
from venue_symbols import BTC, BTC_PERP

D = Decimal


class Hour:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_spot_and_perpetual_share_a_name_and_are_told_apart() -> None:
    symbols = SymbolMap()
    symbols.learn("spot", {BTC.symbol: BTC})
    symbols.learn("perpetual", {BTC_PERP.symbol: BTC_PERP})
    assert symbols.of_venue("BTCUSDT", perpetual=False) is BTC
    assert symbols.of_venue("BTCUSDT", perpetual=True) is BTC_PERP
    assert symbols.of_venue("ETHUSDT", perpetual=True) is None
    assert set(symbols.trusted()) == {"BTC/USDT", "BTC/USDT:USDT"}


@pytest.mark.parametrize("symbol", ["ETH/USDT", "BTCUSDT", ""])
def test_an_unknown_symbol_is_refused_by_name(symbol: str) -> None:
    symbols = SymbolMap()
    symbols.learn("spot", {BTC.symbol: BTC})
    for look_up in (symbols.fresh, symbols.named):
        with pytest.raises(VenueRefused, match="is not listed") as refusal:
            look_up(symbol)
        assert refusal.value.code == Denial.INSTRUMENT_UNMAPPED.value


def test_a_market_read_too_long_ago_still_names_but_is_not_traded() -> None:
    hour = Hour()
    symbols = SymbolMap(age_max_s=900, now=hour)
    symbols.learn("spot", {BTC.symbol: BTC})
    hour.s += 600
    symbols.learn("perpetual", {BTC_PERP.symbol: BTC_PERP})
    hour.s += 301
    assert symbols.fresh("BTC/USDT:USDT") is BTC_PERP
    assert symbols.named("BTC/USDT") is BTC
    assert set(symbols.trusted()) == {"BTC/USDT:USDT"}
    with pytest.raises(VenueRefused, match="more than 900 s ago") as refusal:
        symbols.fresh("BTC/USDT")
    assert refusal.value.code == Denial.INSTRUMENT_UNMAPPED.value
    symbols.learn("spot", {BTC.symbol: BTC})
    assert symbols.fresh("BTC/USDT") is BTC


def test_a_market_that_lists_nothing_is_not_known() -> None:
    symbols = SymbolMap()
    symbols.learn("perpetual", {})
    assert not symbols.knows("perpetual")
    assert not symbols.knows("spot")


def test_a_pair_has_no_position_to_ask_about() -> None:
    symbols = SymbolMap()
    symbols.learn("spot", {BTC.symbol: BTC})
    symbols.learn("perpetual", {BTC_PERP.symbol: BTC_PERP})
    assert symbols.contract("BTC/USDT:USDT") is BTC_PERP
    with pytest.raises(VenueRefused, match="BTC/USDT is a spot pair") as refusal:
        symbols.contract("BTC/USDT")
    assert refusal.value.code == Denial.MARKET_NOT_ALLOWED.value


def test_contracts_are_base_units_divided_and_back_without_a_remainder() -> None:
    okx = replace(BTC_PERP, contract_size=D("0.01"), qty_step=D("0.0001"), qty_min=D("0.0001"))
    assert contracts_of(D("0.0123"), okx) == D("1.23")
    assert base_of(D("1.23"), okx) == D("0.0123")
    thousand = replace(BTC_PERP, contract_size=D(1000), qty_step=D(1000))
    assert contracts_of(D(3000), thousand) == 3


def test_a_quantity_between_two_steps_is_our_bug() -> None:
    with pytest.raises(AssertionError, match="whole number of steps"):
        contracts_of(D("0.00015"), replace(BTC_PERP, contract_size=D("0.01"), qty_step=D("0.0001")))
