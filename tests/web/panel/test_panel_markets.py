"""The tables of the panel: pairs with their switches and bounds, exchanges with their broker codes."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from typing import Any

from panel_site import Browser, PanelSite, words
from sqlalchemy import text
from werkzeug.test import TestResponse

MARKETS, EXCHANGES = "/panel/markets", "/panel/exchanges"
_INPUT = re.compile(r"<input ([^>]*)>")
_ATTRIBUTE = re.compile(r'([a-z-]+)(?:="([^"]*)")?')


def table_of(browser: Browser, path: str = MARKETS) -> dict[str, list[str]]:
    """Return the form of a page as a browser would send it untouched."""
    found: dict[str, list[str]] = {}
    page = browser.get(path).text
    for attributes in _INPUT.findall(page[page.index(f'action="{path}"') :]):
        known = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
        ticked = known.get("type") not in {"checkbox", "radio"} or "checked" in known
        if ticked and known.get("name"):
            found.setdefault(known["name"], []).append(known.get("value", ""))
    return found


def publish(browser: Browser, typed: dict[str, Any], path: str = MARKETS) -> TestResponse:
    shown = browser.post(path, data=typed)
    assert shown.status_code == 200, words(shown)
    return browser.confirm(shown, path)


def approve_newest(site: PanelSite) -> None:
    """Have a second person approve what waits."""
    path = f"/panel/history/{site.revisions()[0].id}"
    assert site.browser(name="Nils").send(f"{path}/approve", {}, page=path).status_code == 303


def test_an_untouched_table_changes_nothing(site: PanelSite) -> None:
    browser = site.browser()
    for path in (MARKETS, EXCHANGES):
        refused = browser.post(path, data=table_of(browser, path))
        assert "Nothing was changed" in words(refused)


def test_a_pair_that_is_switched_off_is_opened_nowhere_and_leaves_the_public_list(site: PanelSite) -> None:
    browser = site.browser()
    assert "SOL/USDT" in words(browser.get("/markets"))
    typed = table_of(browser)
    del typed["on:SOL/USDT"], typed["on:SOL/USDT:USDT"]
    publish(browser, typed)
    config = site.brand().config
    assert all("SOL/USDT" not in config.markets_of(exchange) for exchange in config.exchanges)
    assert "SOL/USDT" not in words(browser.get("/markets"))


def test_a_leverage_cap_holds_for_its_perpetual_alone(site: PanelSite) -> None:
    browser = site.browser()
    publish(browser, table_of(browser) | {"leverage_max:BTC/USDT:USDT": "3"})
    assert site.brand().config.terms_of("BTC/USDT:USDT").leverage_max == 3
    assert site.brand().config.terms_of("ETH/USDT:USDT").leverage_max is None
    assert "BTC/USDT Binance · OKX · Bybit · Bitget 3×" in words(browser.get("/markets"))


def test_a_payout_waits_for_a_second_person(site: PanelSite) -> None:
    browser = site.browser()
    publish(browser, table_of(browser) | {"payout_weekend_ratio:BTC/USDT": "92,5"})
    assert site.brand().config.terms_of("BTC/USDT").payout_weekend_ratio == 1
    assert "BTC/USDT · Payout at weekends" in words(browser.get("/panel/history/1"))
    approve_newest(site)
    assert site.brand().config.terms_of("BTC/USDT").payout_weekend_ratio == Decimal("0.925")
    assert 'value="92.5"' in browser.get(MARKETS).text


def test_a_pair_is_added_where_it_was_ticked_and_removed_again(site: PanelSite) -> None:
    browser = site.browser()
    publish(browser, table_of(browser) | {"add": "xrp/usdt", "add-at": ["okx-lab", "bybit-lab"]})
    approve_newest(site)
    places = [str(one.venue) for one in site.brand().config.exchanges if "XRP/USDT" in one.markets]
    assert places == ["okx", "bybit"]
    publish(browser, table_of(browser) | {"gone:XRP/USDT": "yes"})
    approve_newest(site)
    assert not any("XRP/USDT" in one.markets for one in site.brand().config.exchanges)


def test_wrong_cells_are_refused_by_pair_and_field_and_stay_as_typed(site: PanelSite) -> None:
    browser = site.browser()
    typed = table_of(browser)
    wrong = {"leverage_max:BTC/USDT:USDT": "1.5", "payout_weekday_ratio:ETH/USDT": "120"}
    refused = browser.post(MARKETS, data=typed | wrong)
    assert refused.status_code == 422
    assert 'BTC/USDT:USDT: expected a whole number of at least 1 as leverage, found "1.5"' in words(refused)
    assert 'ETH/USDT: expected a payout from 0 to 100 %, found "120"' in words(refused)
    assert 'value="120"' in refused.text
    tiny = browser.post(MARKETS, data=typed | {"payout_weekday_ratio:ETH/USDT": "1e-999999"})
    assert 'ETH/USDT: expected a payout from 0 to 100 %, found "1e-999999"' in words(tiny)
    assert "is there already" in words(browser.post(MARKETS, data=typed | {"add": "BTC/USDT"}))
    foreign = browser.post(MARKETS, data=typed | {"add": "BTC/EUR", "add-at": ["okx-lab"]})
    assert "markets quoted in the brand's currency USDT, found BTC/EUR" in words(foreign)
    high = browser.post(MARKETS, data=typed | {"leverage_max:BTC/USDT:USDT": "500"})
    assert high.status_code == 422
    assert "Markets: expected" in words(high)


def test_a_broker_code_is_set_and_an_exchange_left(site: PanelSite) -> None:
    browser = site.browser()
    typed = table_of(browser, EXCHANGES)
    publish(browser, typed | {"broker:binance-lab": "AURORA1", "gone:bitget-lab": "yes"}, EXCHANGES)
    approve_newest(site)
    exchanges = site.brand().config.exchanges
    assert [str(one.venue) for one in exchanges] == ["binance", "okx", "bybit"]
    assert exchanges[0].broker_id == "AURORA1"
    publish(browser, table_of(browser, EXCHANGES) | {"add": "bitget"}, EXCHANGES)
    approve_newest(site)
    assert str(site.brand().config.exchanges[-1].environment) == "lab"


def test_a_broker_code_that_does_not_fit_its_exchange_is_refused(site: PanelSite) -> None:
    browser = site.browser()
    refused = browser.post(EXCHANGES, data=table_of(browser, EXCHANGES) | {"broker:binance-lab": "A"})
    assert refused.status_code == 422
    assert "expected 6 to 9 letters or digits" in words(refused)
    nothing = table_of(browser, EXCHANGES) | {f"gone:{v}-lab": "yes" for v in ("binance", "okx", "bybit", "bitget")}
    assert "Exchanges: expected at least one" in words(browser.post(EXCHANGES, data=nothing))


def holding(site: PanelSite, symbol: str) -> tuple[str, str]:
    """Have somebody hold a pair at the first account's exchange; return that exchange and the pair."""
    tenant_id = site.runtime.tenant_ids["aurora"]
    with site.runtime.database.tenant(tenant_id) as session:
        query = "SELECT s.id, a.shard FROM subscription s JOIN account a ON a.id = s.account_id ORDER BY s.id LIMIT 1"
        number, shard = session.execute(text(query)).one()
        add = "INSERT INTO book (tenant_id, subscription_id, symbol, qty) VALUES (:tenant_id, :id, :symbol, 1)"
        session.execute(text(add), {"tenant_id": tenant_id, "id": number, "symbol": symbol})
    return str(shard).partition(":")[0], symbol


def test_a_market_that_somebody_holds_is_switched_off_and_not_left(site: PanelSite) -> None:
    browser = site.browser()
    publish(browser, table_of(browser) | {"add": "XRP/USDT", "add-at": ["okx-lab", "bybit-lab", "binance-lab"]})
    approve_newest(site)
    leaves = table_of(browser) | {"gone:XRP/USDT": "yes"}
    proposed = publish(browser, leaves)
    place, _ = holding(site, "XRP/USDT")
    refused = browser.post(MARKETS, data=leaves)
    assert refused.status_code == 409
    assert "Somebody holds XRP/USDT there. Switch it off instead" in words(refused)
    # Neither a second person, nor going back, nor leaving the whole exchange, is a way around that.
    nils = site.browser(name="Nils")
    approved = nils.send(f"{proposed.location}/approve", {}, page=proposed.location)
    assert "Somebody holds XRP/USDT there." in words(approved)
    back = nils.send("/panel/history/0/rollback", {"reason": "as it was"}, page="/panel/history/1")
    assert "Somebody holds XRP/USDT there." in words(back)
    gone = browser.post(EXCHANGES, data=table_of(browser, EXCHANGES) | {f"gone:{place}": "yes"})
    assert "Somebody holds" in words(gone)
    off = {name: value for name, value in table_of(browser).items() if name != "on:XRP/USDT"}
    assert publish(browser, off).status_code == 303
    assert not site.brand().config.terms_of("XRP/USDT").on
    with site.runtime.database.tenant(site.runtime.tenant_ids["aurora"]) as session:
        session.execute(text("DELETE FROM book WHERE symbol = 'XRP/USDT'"))
