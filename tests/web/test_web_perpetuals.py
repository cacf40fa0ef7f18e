"""Pages say where and what was traded: exchange, spot or perpetual, side, move and leverage, in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import flask_babel
import pytest
from copydesk.db import Database
from copydesk.replication.moves import Direction, Move
from copydesk.web.market import direction_words, move_words
from flask import Flask
from flask.testing import FlaskClient
from site_seed import HOSTS, STRATEGIES, Seeded
from sqlalchemy import text
from test_web_locale import LOCALES

Visit = Callable[[str], FlaskClient]
SYMBOL = "BTC/USDT:USDT"
# The seeded trader turns from long to short on OKX; the first follower copies on Bybit, the others on Binance.
TURN = """
INSERT INTO leader_book (tenant_id, strategy_id, symbol, position_side, qty, last_px, last_at)
SELECT tenant_id, id, :symbol, 'net', -0.25, 60000, now() FROM strategy;
INSERT INTO leader_setup (tenant_id, strategy_id, symbol, hedge, leverage)
SELECT tenant_id, id, :symbol, false, 3 FROM strategy;
UPDATE signal SET symbol = :symbol, side = 'sell', position_before = 0.25, position_after = -0.25, leader_leverage = 3;
UPDATE copy SET symbol = :symbol, side = 'sell';
UPDATE account SET venue = 'okx' WHERE id IN (SELECT account_id FROM strategy);
UPDATE account SET venue = 'bybit' WHERE id = (SELECT min(account_id) FROM copy);
INSERT INTO account_setup (tenant_id, account_id, symbol, hedge, leverage, at)
SELECT tenant_id, account_id, symbol, false, 2, sent_at FROM copy WHERE sent_at IS NOT NULL;
UPDATE strategy_figures SET spot = true, perpetual = true, leverage_max = 3;
"""


@pytest.fixture(scope="module", autouse=True)
def turned(seeded: Seeded, database_url: str) -> None:
    """Make the seeded trade of each brand one on a perpetual."""
    database = Database.connect(database_url, pool_size=1)
    for tenant_id in seeded.tenant_ids.values():
        with database.tenant(tenant_id) as session:
            for statement in TURN.strip().split(";\n"):
                session.execute(text(statement.rstrip(";")), {"symbol": SYMBOL} if ":symbol" in statement else {})
    database.dispose()


def read(page: str, opening: str) -> list[str]:
    """Return the words of every element that begins like this, up to its end."""
    (tag,) = re.findall(r"^\w+", opening)
    found = re.findall(f"<{opening}.*?</{tag}>", page, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split()) for part in found]


def test_a_short_is_named_with_its_leverage_and_its_worth_is_in_the_quote_currency(visit: Visit) -> None:
    page = visit("aurora").get(f"/strategies/{STRATEGIES['aurora'][0]}").text
    (row,) = [row for row in read(page, "tr>") if "perpetual" in row]
    assert row.startswith("BTC/USDT perpetual · short · 3× leverage")
    assert "0.25 @ 60,000.00" in row
    assert "15,000.00 USDT" in row
    assert "−" not in row


@pytest.mark.parametrize("path", ["/", "/strategies", "/strategies/{slug}"])
@pytest.mark.parametrize("brand", HOSTS)
def test_a_strategy_names_its_exchange_its_markets_and_the_highest_leverage(
    visit: Visit, brand: str, path: str
) -> None:
    page = visit(brand).get(path.format(slug=STRATEGIES[brand][0])).text
    assert "OKX · spot and perpetual · up to 3× leverage" in " ".join(read(page, "main"))


@pytest.mark.parametrize("brand", HOSTS)
def test_a_row_of_the_desk_says_where_and_what_the_trader_did(visit: Visit, brand: str) -> None:
    said = " ".join(read(visit(brand).get("/desk").text, "main"))
    assert "OKX · perpetual" in said
    assert "turns to short · 3× leverage" in said
    assert SYMBOL not in said


def test_a_receipt_names_each_followers_exchange_and_the_leg_of_a_turn(visit: Visit, seeded: Seeded) -> None:
    page = visit("aurora").get(f"/desk/{seeded.signal_ids['aurora']}").text
    assert "OKX · perpetual · turns to short · 3× leverage" in read(page, 'header class="receipt')[0]
    rows = read(page, 'th role="rowheader')
    assert rows[0].startswith("Follower 1 Bybit · opens short · 2× leverage")
    assert rows[3].startswith("Follower 4 Binance · opens short 500.00"), "nothing was sent: no leverage is known"


@pytest.mark.parametrize(
    ("brand", "locale", "expected"),
    [
        ("aurora", "de", "OKX · Perpetual · dreht zu Short · Hebel 3×"),
        ("boreal", "ar", "OKX · عقود دائمة · ينقلب إلى البيع · رافعة \u20663×\u2069"),
    ],
)
def test_it_is_said_in_the_visitors_language(
    visit: Visit, seeded: Seeded, brand: str, locale: str, expected: str
) -> None:
    page = visit(brand).get(f"/desk/{seeded.signal_ids[brand]}", headers={"Accept-Language": locale}).text
    assert expected in read(page, 'header class="receipt')[0]


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_every_move_and_side_has_words_of_its_own_in_every_locale(app: Flask, locale: str) -> None:
    def everything() -> list[str]:
        return [*(move_words(move) for move in Move), *(direction_words(side) for side in Direction)]

    with app.test_request_context():
        with flask_babel.force_locale("en"):
            english = everything()
        with flask_babel.force_locale(locale):
            translated = everything()
    assert len(set(translated)) == len(Move) + len(Direction)
    assert [word for word, other in zip(english, translated, strict=True) if word == other] == []
