"""What visitors are told of the offer: what copying costs, divided up in an example, and which pairs are traded."""

from __future__ import annotations

from decimal import Decimal

from copydesk.web.public.offers import Cost
from panel_site import PanelSite, words
from site_seed import STRATEGIES


def said(site: PanelSite, path: str, brand: str = "aurora") -> str:
    return words(site.browser(brand=brand).get(path)).replace("\u00a0", " ")


def test_the_page_of_fees_divides_an_example_up_without_a_rest(site: PanelSite) -> None:
    page = said(site, "/fees")
    assert "Profit share, unless the trader asks for another 10 %" in page
    assert "Highest profit share that a trader may ask for 30 %" in page
    assert "Copying earned you 200.00 USDT." in page
    for line in ("as profit share 20.00 USDT", "the trader gets 14.00 USDT", "Aurora keeps 6.00 USDT"):
        assert line in page
    assert "You keep 180.00 USDT" in page


def test_what_everybody_gets_of_a_gain_is_the_whole_gain() -> None:
    cost = Cost(Decimal("0.125"), Decimal("0.3"), Decimal("0.3"))
    assert cost.trader_gets + cost.brand_keeps + cost.follower_keeps == cost.gain


def test_a_strategy_says_what_copying_it_costs(site: PanelSite) -> None:
    page = said(site, f"/strategies/{STRATEGIES['aurora'][0]}")
    assert "Copying costs 10 % of what it earns you. What it costs" in page


def test_the_pairs_are_listed_with_their_exchanges_and_the_brands_own_bound_of_leverage(site: PanelSite) -> None:
    page = said(site, "/markets", "boreal")
    assert "SOL/USDT Binance · OKX · Bybit · Bitget" in page
    assert "SOL/USDT Binance · OKX · Bybit · Bitget 5×" in page


def test_every_page_leads_to_what_it_costs(site: PanelSite) -> None:
    page = site.browser().get("/strategies").text
    assert 'href="/fees"' in page
    assert 'href="/markets"' in page
