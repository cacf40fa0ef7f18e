"""The page that replays a strategy's past with a visitor's own amount: what it says, and what it does without."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from copydesk.trading import Instrument
from copydesk.web.public.what_if import Replays
from copydesk.web.what_if_words import record_words
from copydesk.whatif import Result
from flask import Flask
from site_seed import D, FixedClock

PAGE = "/strategies/dawn/what-if"
RULES = Instrument(
    "binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5)
)
Visit = Callable[[str], Any]


class Rules:
    """What the exchange is known to take, without Redis; None where nothing has told it yet."""

    def __init__(self, known: dict[str, Instrument] | None) -> None:
        self._known = known

    def read(self, place: str, symbols: Collection[str]) -> dict[str, Instrument] | None:
        if self._known is None:
            return None
        return {symbol: one for symbol, one in self._known.items() if symbol in symbols and place == "binance-lab"}


@pytest.fixture
def known(app: Flask) -> Iterator[None]:
    """Let the page know what the exchange takes."""
    before = app.extensions["copydesk_replays"]
    app.extensions["copydesk_replays"] = Replays(Rules({"BTC/USDT": RULES}), FixedClock())  # type: ignore[arg-type]
    yield
    app.extensions["copydesk_replays"] = before


@pytest.mark.usefixtures("known")
def test_the_page_says_what_an_amount_would_have_become_and_what_it_rests_on(visit: Visit) -> None:
    html = visit("aurora").get(f"{PAGE}?amount=500").text.replace("\xa0", " ")
    assert "With 500.00 USDT, 100.0 % of the trader&#39;s opening orders of the last 5 days" in html
    assert "This is the past. What comes may be worse." in html
    assert "Fees of the exchange" in html
    assert "polyline" in html
    assert "NaN" not in html
    assert ">None<" not in html


@pytest.mark.usefixtures("known")
def test_an_amount_that_is_too_small_is_told_why_and_from_which_on_it_is_enough(visit: Visit) -> None:
    html = visit("aurora").get(f"{PAGE}?amount=10").text.replace("\xa0", " ")
    assert "With 10.00 USDT, 0.0 % of the trader&#39;s opening orders of the last 5 days" in html
    assert "is below the exchange&#39;s minimum of" in html
    assert "on, at least 95 % of the orders are large enough" in html


@pytest.mark.usefixtures("known")
def test_the_same_in_numbers_is_exact_text(visit: Visit) -> None:
    answer = visit("aurora").get(f"{PAGE}.json?amount=500&profile=balanced&days=30").json
    assert answer["amount"] == "500"
    assert (answer["opening_orders"], answer["copied"], answer["copied_ratio"]) == (1, 1, "1")
    assert D(answer["fees"]) > 0
    assert answer["held"] == ["BTC/USDT"]
    assert answer["line"][0][1] == "500"
    assert D(answer["kept"]) == D(answer["end"]) - D(answer["profit_share"])


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("amount=nothing", "Enter an amount above zero."),
        ("amount=-5", "Enter an amount above zero."),
        ("amount=NaN", "Enter an amount above zero."),
        ("amount=1e30", "Enter an amount above zero."),
        ("amount=500&sizing=multiplier", "Enter a factor or an amount above zero."),
    ],
)
def test_a_number_that_is_none_is_named_at_its_field(visit: Visit, query: str, sentence: str) -> None:
    answer = visit("aurora").get(f"{PAGE}?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert visit("aurora").get(f"{PAGE}.json?{query}").status_code == 422


@pytest.mark.usefixtures("known")
def test_what_nobody_could_have_chosen_is_the_usual(visit: Visit) -> None:
    odd = visit("aurora").get(f"{PAGE}.json?amount=500&days=7&profile=reckless&sizing=all_in").json
    assert odd == visit("aurora").get(f"{PAGE}.json?amount=500,00").json


def test_without_what_the_exchange_takes_the_page_says_so_and_the_numbers_come_later(visit: Visit) -> None:
    page = visit("aurora").get(PAGE)
    assert page.status_code == 200
    assert "is not known at the moment" in page.text
    numbers = visit("aurora").get(f"{PAGE}.json")
    assert numbers.status_code == 503
    assert int(numbers.headers["Retry-After"]) == 60


def test_another_brands_strategy_has_no_such_page(visit: Visit) -> None:
    assert visit("boreal").get(PAGE).status_code == 404
    assert visit("boreal").get(f"{PAGE}.json").status_code == 404


@pytest.mark.parametrize(("minutes", "told"), [(12, "12 minutes"), (300, "5 hours"), (3 * 1440, "3 days")])
def test_how_long_a_record_is_is_told_in_the_unit_that_fits(app: Flask, minutes: int, told: str) -> None:
    begun = datetime(2026, 5, 1, tzinfo=UTC)
    replayed = SimpleNamespace(since=begun, until=begun + timedelta(minutes=minutes))
    with app.test_request_context("/", headers={"Host": "aurora.localhost"}):
        assert record_words(cast("Result", replayed)) == told
