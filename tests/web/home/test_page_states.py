"""What each page says while an exchange or the engine is away, and where there is nothing yet: no zero as a fact."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from copydesk.identity import User
from copydesk.keys.tables import AccountKey
from copydesk.replication.tables import Strategy
from copydesk.terminal import AccountView
from copydesk.terminal.sending import keep_view
from copydesk.terminal.store import look_at
from copydesk.vault.tables import Account
from copydesk.wallets import ask_look
from home_people import D, Follower, HomeSite, plain, tell_old_prices
from risk_seed import tell_prices
from site_seed import NOW
from sqlalchemy import text

DELAYED, SILENT = "Copying is delayed", "Binance (simulated) is silent"
# Time goes on while a page is made.
ANSWERED = re.compile(r"has not answered for [5-9]\d s")
COPY = "/strategies/dawn/copy"


def follower(site: HomeSite) -> tuple[Follower, int]:
    """Return somebody who copies with one account, and has a second one that is free."""
    who = site.follower()
    with site.storing() as session:
        session.execute(text("UPDATE account SET sealed_key = 'sealed' WHERE id = :id"), {"id": who.account_id})
        session.add(AccountKey(tenant_id=site.tenant_id, account_id=who.account_id, due_at=NOW))
    return who, site.subscription(who)


def trader(site: HomeSite, *, leads: bool = True) -> tuple[Follower, int]:
    """Return a trader whose strategy somebody copies, and the leader account; or one who has nothing yet."""
    who = site.follower(account=leads)
    with site.storing() as session:
        session.get_one(User, (site.tenant_id, who.user_id)).role = "trader"
        if not leads:
            return who, 0
        session.get_one(Account, (site.tenant_id, who.account_id)).sealed_key = b"sealed"
        session.add(AccountKey(tenant_id=site.tenant_id, account_id=who.account_id, due_at=NOW))
        row = Strategy(
            tenant_id=site.tenant_id,
            trader_id=who.user_id,
            account_id=who.account_id,
            slug=f"of-{who.account_id}",
            name="Night Runner",
            summary="One.",
        )
        session.add(row)
        session.flush()
        strategy_id = row.id
    site.subscription(site.follower(), strategy_id=strategy_id)
    return who, who.account_id


@contextmanager
def engine_away(site: HomeSite) -> Iterator[None]:
    """Let a signal have waited for its lane for almost a minute."""
    signal_id = site.signal()
    with site.storing() as session:
        waiting = text(
            "INSERT INTO delivery (tenant_id, signal_id, shard, created_at) "
            "VALUES (:tenant_id, :id, 'binance-lab:0', clock_timestamp() - interval '50 seconds')"
        )
        session.execute(waiting, {"tenant_id": site.tenant_id, "id": signal_id})
    yield
    with site.storing() as session:
        session.execute(text("DELETE FROM delivery WHERE signal_id = :id"), {"id": signal_id})


@contextmanager
def exchange_silent(redis_url: str) -> Iterator[None]:
    tell_old_prices(redis_url, timedelta(minutes=5))
    yield
    tell_prices(redis_url)


PAGES: dict[str, Callable[[int], str]] = {
    "home": lambda _: "/home",
    "home now": lambda _: "/home/now",
    "one": lambda number: f"/copying/{number}",
    "activity": lambda _: "/activity",
    "stop everything": lambda _: "/copying/stop-everything",
    "copying": lambda _: COPY,
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_a_follower_tells_what_is_away_since_when_and_what_works(
    site: HomeSite, redis_url: str, page: str
) -> None:
    tell_prices(redis_url)
    ada, number = follower(site)
    path = PAGES[page](number)
    healthy = ada.words(path)
    assert DELAYED not in healthy and SILENT not in healthy
    with engine_away(site):
        told = ada.words(path)
        assert DELAYED in told and ANSWERED.search(told) and "stored now" in told
        assert ada.get(f"/copying/{number}/stop").status_code == 200, "stopping works"
    with exchange_silent(redis_url):
        told = ada.words(path)
        assert SILENT in told and re.search(r"No price has come from there for 3\d\d s", told)
        assert "None" not in told


def test_wallets_tell_an_exchange_that_is_silent_and_what_waits_unanswered(site: HomeSite, redis_url: str) -> None:
    tell_prices(redis_url)
    ada, _ = follower(site)
    assert "Not looked at yet." in ada.words("/wallets") and "0 USDT" not in ada.words("/wallets")
    with site.storing() as session:
        ask_look(session, ada.account_id, at=NOW - timedelta(seconds=90))
    told = ada.words("/wallets")
    assert "What you asked of your wallets still waits" in told and "It has waited for 90 s" in told
    with exchange_silent(redis_url):
        assert SILENT in plain(ada.get("/wallets/now").text)


def test_the_studio_tells_what_keeps_trades_from_followers(site: HomeSite, redis_url: str) -> None:
    tell_prices(redis_url)
    who, account_id = trader(site)
    pages = [f"/studio/of-{account_id}{end}" for end in ("", "/signals", "/announcements", "/manage")]
    assert all("are delayed" not in told and SILENT not in told for told in map(who.words, pages))
    with engine_away(site):
        told = [who.words(one) for one in pages]
        assert all("Copies of your trades are delayed" in one and ANSWERED.search(one) for one in told)
    with exchange_silent(redis_url):
        assert all(SILENT in who.words(one) for one in pages)
    with site.storing() as session:
        session.get_one(Account, (site.tenant_id, account_id)).key_denial = "key_rejected"
    told = who.get(pages[0]).text
    assert "Your trades are not copied" in told and f'href="/keys/{account_id}"' in told


def test_the_terminal_tells_that_the_account_was_not_read_and_that_rules_are_not_known(
    site: HomeSite, redis_url: str
) -> None:
    tell_prices(redis_url)
    who, account_id = trader(site)
    told = who.words(f"/terminal/{account_id}")
    assert "The rules of this market are not known at the moment" in told
    assert "The account is being read" in told and "0.00 USDT" not in told
    with site.storing() as session:
        look_at(session, account_id, "BTC/USDT", at=NOW)
        long_ago = NOW - timedelta(minutes=10)
        view = AccountView(long_ago, "USDT", D(900), {"USDT": D(900)}, (), {}, ())
        keep_view(session, account_id, view, trouble="", at=long_ago)
    told = who.words(f"/terminal/{account_id}")
    assert "The account has not been read lately" in told and "was read 10 minutes ago" in told


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/home", "You copy nothing yet"),
        ("/activity", "Each signal of a strategy that you copy appears here"),
        ("/copying/stop-everything", "There is nothing to stop"),
        (COPY, "Connect an exchange account first"),
        ("/wallets", "No exchange account yet"),
    ],
)
def test_who_has_nothing_yet_is_told_what_will_be_there(site: HomeSite, redis_url: str, path: str, told: str) -> None:
    page = site.follower(account=False).words(path)
    assert told in page
    assert "0.00" not in page and "delayed" not in page and "None" not in page


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/studio", "No strategy yet"),
        ("/studio/apply", "No account that can lead"),
        ("/terminal", "No account yet"),
    ],
)
def test_a_trader_who_has_nothing_yet_is_told_what_it_takes(
    site: HomeSite, redis_url: str, path: str, told: str
) -> None:
    who, _ = trader(site, leads=False)
    page = who.words(path)
    assert told in page and "None" not in page


def test_a_strategy_without_a_trade_shows_dashes_and_says_why(site: HomeSite, redis_url: str) -> None:
    tell_prices(redis_url)
    who, account_id = trader(site)
    assert "No trades yet" in who.words(f"/studio/of-{account_id}/signals")
    page = who.words(f"/studio/of-{account_id}")
    assert "Not enough copies yet" in page and "No follower has a result yet." in page and "None" not in page
