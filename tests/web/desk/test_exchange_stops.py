"""Stops at the exchange on the pages of the risk desk: who has one, why one has none, and what one did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.kernel import SystemClock, utc_now
from copydesk.risk.acts import store_acts
from copydesk.risk.model import Scope
from copydesk.risk.protection import ProtectiveState
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from copydesk.web.database import db
from desk_pages import Store, pages, plain
from flask.testing import FlaskClient
from risk_seed import RiskSeeded, exchange_stop_act, link, stops_at_exchange
from site_seed import HOSTS, ROOT, FakeRuntime

OF_BALANCE = "loss > 5 % of balance per day -> warn"
SAYS = (
    ((), "none placed yet"),
    ((ProtectiveState.PLACING,), "one was sent, and the exchange has not confirmed it yet"),
    ((ProtectiveState.RESTING, ProtectiveState.REFUSED), None),
    ((ProtectiveState.CANCELED, ProtectiveState.REFUSED), "it was not taken: -2021: Order would trigger."),
)


@pytest.mark.parametrize(("states", "why"), SAYS)
def test_both_pages_tell_which_position_has_a_stop_at_the_exchange_and_why_one_has_none(
    admin: FlaskClient,
    desks: dict[str, RiskSeeded],
    storing: Store,
    states: tuple[ProtectiveState, ...],
    why: str | None,
) -> None:
    number = desks["aurora"].running
    with storing() as session:
        stops_at_exchange(session, number, *states, reason="-2021: Order would trigger." if len(states) == 2 else None)
    brand, own = (plain(admin.get(path).text) for path in ("/risk", f"/risk/subscriptions/{number}"))
    assert f"Positions with a stop at the exchange: {int(why is None)} of 1" in brand
    if why is None:
        assert "the longest ago seen 5 minutes ago" in brand
        assert (
            "A stop rests at the exchange at 2,701.00 (buys 0.1 ETH), seen 5 minutes ago. It acts even if this site is "
            "down." in own
        )
        assert "stops-missing" not in admin.get("/risk").text
    else:
        assert f"Subscription {number} · ETH/USDT: {why}" in brand
        assert f"No stop at the exchange {why}" in own
        assert 'banner--warn" id="stops-missing"' in admin.get("/risk").text


def test_a_brand_that_wants_no_stops_is_not_told_that_some_are_missing(
    live_runtime: FakeRuntime, desks: dict[str, RiskSeeded], storing: Store, tmp_path: Path
) -> None:
    defaults = (ROOT / "config" / "defaults.yaml").read_text(encoding="utf-8")
    (tmp_path / "defaults.yaml").write_text(
        defaults.replace("\nrisk:\n", "\nrisk:\n  protective_stops: false\n"), encoding="utf-8"
    )
    directory = TenantDirectory(ROOT / "tenants", tmp_path / "defaults.yaml", settings=declared_settings())
    with storing() as session:
        stops_at_exchange(session, desks["aurora"].running)
    site = create_app(replace(live_runtime, directory=directory), clock=SystemClock())
    browser, base = site.test_client(), f"http://{HOSTS['aurora']}"
    browser.get(link(live_runtime, "aurora", now=utc_now()), base_url=base)
    brand, own = (plain(browser.get(path, base_url=base).text) for path in ("/risk", pages(desks["aurora"])["own"]))
    with site.app_context():
        db.engine.dispose()
    assert "This brand keeps no stops at the exchange." in brand
    assert "Positions with a stop" not in brand
    assert "No stop is kept at the exchange for positions here." in own


def test_what_a_stop_at_the_exchange_did_is_told_in_words_in_both_histories(
    admin: FlaskClient, desks: dict[str, RiskSeeded], storing: Store
) -> None:
    number = desks["aurora"].adrift
    with storing() as session:
        store_acts(session, [exchange_stop_act(number, utc_now())])
    said = (
        "The stop at the exchange closed 0.4 BTC of BTC/USDT at 81,000.00 (it lay at 80,900.00). Copying was paused: "
        "resume it to go on."
    )
    for path in ("/risk", f"/risk/subscriptions/{number}"):
        page = plain(admin.get(path).text)
        assert said in page
        assert "stop at the exchange: BTC/USDT" not in page


def test_a_stop_at_the_exchange_hides_no_stop_that_did_not_get_to_its_end(
    admin: FlaskClient, desks: dict[str, RiskSeeded], storing: Store
) -> None:
    number = desks["aurora"].flagged
    with storing() as session:
        store_acts(session, [exchange_stop_act(number, utc_now())])
    page = plain(admin.get(f"/risk/subscriptions/{number}").text)
    assert "Not everything could be closed: look at your positions at the exchange. To go on, resume copying." in page


def test_the_bar_of_a_limit_on_a_share_of_the_balance_is_filled_by_the_balance(
    admin: FlaskClient, desks: dict[str, RiskSeeded], storing: Store
) -> None:
    number = desks["aurora"].running
    with storing() as session:
        store_limits(session, LimitOwner(Scope.STRATEGY, desks["aurora"].strategy_id), [OF_BALANCE], "Mara")
    # Of 500 of balance 5 % are 25, and 10 are lost; the equity is 490.
    for path in ("/risk", f"/risk/subscriptions/{number}"):
        assert '<rect class="gauge__fill" width="40.00"' in admin.get(path).text, path
    with storing() as session:
        store_limits(session, LimitOwner(Scope.STRATEGY, desks["aurora"].strategy_id), [], "Mara")
