"""Pages about perpetuals: sides are named, quantities shown without a sign, worth in the quote currency."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from copydesk.db import Database
from flask.testing import FlaskClient
from site_seed import STRATEGIES, Seeded
from sqlalchemy import text

SYMBOL = "BTC/USDT:USDT"
SHORT = text(
    "INSERT INTO leader_book (tenant_id, strategy_id, symbol, position_side, qty, last_px) "
    "SELECT tenant_id, id, :symbol, 'short', :qty, 60000 FROM strategy WHERE slug = :slug"
)


def test_a_short_is_named_and_its_worth_is_in_the_quote_currency(
    visit: Callable[[str], FlaskClient], seeded: Seeded, database_url: str
) -> None:
    slug = STRATEGIES["aurora"][0]
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(seeded.tenant_ids["aurora"]) as session:
        session.execute(SHORT, {"symbol": SYMBOL, "qty": Decimal("-0.25"), "slug": slug})
    database.dispose()
    page = visit("aurora").get(f"/strategies/{slug}").text
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if SYMBOL in row]
    assert "Short" in row
    assert "0.25" in row
    assert "15,000.00\u00a0USDT" in row
    assert "−" not in row
