"""From a strategy to a running copy: what each step says, keeps and refuses, and that it begins once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

import pytest
from copydesk.identity import Role
from copydesk.replication.tables import Strategy, Subscription
from copydesk.risk.switch_rules import Reach, Stops
from copydesk.risk.tables import Switch
from copydesk.vault.tables import Account
from copydesk.venues import Balance, Wallet
from copydesk.wallets import asks_of
from copydesk.wallets.store import keep_balances
from copydesk.web.database import db
from copydesk.web.public.what_if import Replays
from factor_site import FactorSite, Visit
from form_posts import token_in
from site_seed import D, FakeRuntime, FixedClock
from sqlalchemy import select, text
from test_what_if_pages import RULES, Rules
from werkzeug.test import TestResponse

COPY = "/strategies/dawn/copy"
REVIEW = f"{COPY}/review"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture(scope="module")
def site(runtime: FakeRuntime) -> Iterator[FactorSite]:
    site = FactorSite(replace(runtime))
    site.app.extensions["copydesk_replays"] = Replays(Rules({"BTC/USDT": RULES}), FixedClock())  # type: ignore[arg-type]
    yield site
    with site.app.app_context():
        db.engine.dispose()


@pytest.fixture
def follower(site: FactorSite) -> Visit:
    """Somebody with a second factor and one exchange account that can copy."""
    person = site.person()
    assert person.set_up_app().status_code in {200, 303}
    connect(site, person, "Main")
    return person


@pytest.fixture(scope="module")
def reader(site: FactorSite) -> Visit:
    """Such a person who looks at every page and begins nothing."""
    person = site.person()
    assert person.set_up_app().status_code in {200, 303}
    connect(site, person, "Main")
    return person


def connect(site: FactorSite, person: Visit, label: str, *, usable: bool = True) -> int:
    with site.runtime.database.tenant(site.tenant_id) as session:
        account = Account(
            tenant_id=site.tenant_id,
            user_id=person.user_id,
            venue="binance",
            environment="lab",
            label=label,
            shard="binance-lab:0",
            sealed_key=b"sealed",
            key_denial=None if usable else "key_rejected",
        )
        session.add(account)
        session.flush()
        return account.id


def own_account(site: FactorSite, person: Visit) -> int:
    with site.runtime.database.tenant(site.tenant_id) as session:
        return session.scalars(select(Account.id).where(Account.user_id == person.user_id)).one()


def terms(site: FactorSite, person: Visit, **other: str) -> dict[str, str]:
    return {"account": str(own_account(site, person)), "amount": "500", "profile": "balanced", **other}


def text_of(page: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(page.text))


def confirm(person: Visit, page: TestResponse) -> TestResponse:
    """Press the button of the last step: send what its form holds."""
    form = page.text.partition('<form class="copying__go"')[2].partition("</form>")[0]
    return person.post(COPY, data={name: unescape(value) for name, value in HIDDEN.findall(form)})


def copies_of(site: FactorSite, person: Visit) -> list[Subscription]:
    with site.runtime.database.tenant(site.tenant_id) as session:
        of_account = Subscription.account_id == Account.id
        query = select(Subscription).join(Account, of_account).where(Account.user_id == person.user_id)
        return list(session.scalars(query))


def test_a_newcomer_copies_in_three_steps_and_reads_what_it_costs_on_the_way(site: FactorSite, follower: Visit) -> None:
    assert f'href="{COPY}"' in follower.get("/strategies/dawn").text
    form = text_of(follower.get(COPY))
    assert "Main" in form and "Balanced" in form and "everything is closed, and copying stops." in form
    review = follower.get(REVIEW, query_string=terms(site, follower))
    told = text_of(review)
    assert "“Main” at Binance (simulated) copies Dawn Runner by Mara Lind, with 500.00 USDT at most." in told
    assert "At −20 % we close all and stop: that is −100.00 USDT." in told
    assert "Profit share, of what copying earns you 10 %" in re.sub(r"<[^>]+>", " ", told).replace("  ", " ")
    assert "100.0 % of the last 5 days’ orders would have been copied." in told
    assert "Start copying 500.00 USDT" in told and "None" not in told and "NaN" not in told
    begun = confirm(follower, review)
    (copy,) = copies_of(site, follower)
    assert (begun.status_code, begun.location) == (303, f"/copying/{copy.id}")
    assert (copy.allocation, copy.state, copy.join_mode) == (D(500), "synced", "ignore")


def test_the_limits_of_the_profile_and_the_record_of_it_stand_beside_the_copy(
    site: FactorSite, follower: Visit
) -> None:
    confirm(follower, follower.get(REVIEW, query_string=terms(site, follower, profile="conservative")))
    (copy,) = copies_of(site, follower)
    with site.runtime.database.tenant(site.tenant_id) as session:
        keys = {"id": copy.id, "subject": f"subscription:{copy.id}"}
        authors = session.execute(text("SELECT author FROM risk_limit WHERE subject_id = :id"), keys).scalars()
        assert set(authors) == {"profile:conservative"}
        acts = session.execute(text("SELECT act, user_id FROM audit_entry WHERE subject = :subject"), keys).all()
        assert [tuple(act) for act in acts] == [("subscription.started", follower.user_id)]


def test_a_form_that_is_sent_twice_begins_one_copy(site: FactorSite, follower: Visit) -> None:
    review = follower.get(REVIEW, query_string=terms(site, follower))
    first, second = confirm(follower, review), confirm(follower, review)
    assert first.location == second.location
    assert len(copies_of(site, follower)) == 1
    blocked = text_of(follower.get(COPY))
    assert "You copy this strategy already" in blocked and f'href="{first.location}"' in blocked


def test_other_terms_for_a_copy_that_runs_are_refused_and_lead_to_its_page(site: FactorSite, follower: Visit) -> None:
    review = follower.get(REVIEW, query_string=terms(site, follower))
    confirm(follower, review)
    token = token_in(review.text)
    again = follower.post(COPY, data={"csrf_token": token, **terms(site, follower, amount="900")})
    assert again.status_code == 422
    assert "copies the strategy already, on other terms" in text_of(again)
    assert 'value="900"' in again.text and len(copies_of(site, follower)) == 1


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("amount", "", "Enter an amount above zero."),
        ("amount", "-5", "Enter an amount above zero."),
        ("amount", "NaN", "Enter an amount above zero."),
        ("amount", "1e30", "Enter at most 1,000,000,000.00 USDT."),
        ("amount", "1,000", "“1,000” can mean two amounts. Write 1000, or with two decimals."),
        ("amount", "5.001", "“5.001” can mean two amounts. Write 5001, or with two decimals."),
        ("amount", "0.123", "Enter an amount with at most two decimals."),
        ("account", "999999", "Choose the exchange account that is to copy."),
        ("account", "x'", "Choose the exchange account that is to copy."),
        ("profile", "reckless", "Choose how much you dare."),
        ("value", "much", "Enter a factor or an amount above zero."),
    ],
)
def test_bad_input_is_named_at_its_field_and_everything_else_is_kept(
    site: FactorSite, reader: Visit, field: str, typed: str, sentence: str
) -> None:
    asked = terms(site, reader, sizing="multiplier", value="2", join="at_market") | {field: typed}
    for path in (REVIEW, COPY):
        answer = reader.get(path, query_string={**asked, "check": "1"})
        assert answer.status_code == 422, path
        assert sentence in text_of(answer)
        assert f'href="#field-{field}"' in answer.text
        assert '<option value="at_market" selected>' in answer.text
    assert not copies_of(site, reader)


@pytest.mark.parametrize(
    ("typed", "amount"), [("1 000", "1000"), ("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("500,5", "500.5")]
)
def test_amounts_are_read_as_people_write_them(site: FactorSite, reader: Visit, typed: str, amount: str) -> None:
    review = reader.get(REVIEW, query_string=terms(site, reader, amount=typed))
    assert review.status_code == 200
    assert f'name="amount" value="{amount}"' in review.text


def test_the_fragment_follows_the_form_and_says_what_is_missing(site: FactorSite, reader: Visit) -> None:
    path = f"{COPY}/preflight"
    told = text_of(reader.get(path, query_string=terms(site, reader, amount="10", profile="aggressive")))
    assert "With 10.00 USDT, 0.0 % of the last 5 days’ orders would have been copied." in told
    assert "At −40 % we close all and stop: that is −4.00 USDT." in told
    assert "The trader holds 1 position now. What is held is left out" in told
    assert "<html" not in told
    wrong = reader.get(path, query_string=terms(site, reader, amount="none"))
    assert wrong.status_code == 200 and "Enter an amount above zero." in wrong.text


def test_taking_over_without_prices_says_that_its_cost_is_not_known(site: FactorSite, reader: Visit) -> None:
    told = text_of(reader.get(REVIEW, query_string=terms(site, reader, join="at_market")))
    assert "What is held is taken over now, at the market’s price." in told
    assert "Prices are not known now" in told


def test_who_has_no_exchange_account_is_led_to_connect_one_and_back(site: FactorSite) -> None:
    person = site.person()
    person.set_up_app()
    page = person.get(COPY)
    assert page.status_code == 200
    assert "Connect an exchange account first" in page.text and 'href="/keys/new"' in page.text
    connect(site, person, "Main")
    assert f'<a href="{COPY}">Go on with copying</a>' in person.get("/keys").text


def test_an_account_whose_key_does_not_work_is_told_from_none(site: FactorSite) -> None:
    person = site.person()
    person.set_up_app()
    connect(site, person, "Main", usable=False)
    assert "None of your exchange accounts can be used now" in person.get(COPY).text


def test_what_an_account_owns_bounds_the_slider_and_more_than_that_is_warned_of(
    site: FactorSite, follower: Visit
) -> None:
    with site.runtime.database.tenant(site.tenant_id) as session:
        account_id, usdt = own_account(site, follower), {"USDT": Balance(D(300), D(0))}
        keep_balances(session, account_id, {Wallet.SPOT: usdt, Wallet.FUTURES: usdt}, at=site.clock.at)
    form = follower.get(COPY)
    assert "300.00 USDT are free." in text_of(form) and 'max="300"' in form.text and 'value="300"' in form.text
    review = text_of(follower.get(REVIEW, query_string=terms(site, follower)))
    assert "That is more than the 300.00 USDT that are free in the account." in review


def test_what_is_free_is_asked_for_once_where_nobody_knows_it(site: FactorSite, follower: Visit) -> None:
    for _ in range(2):
        assert "We are asking the exchange how much is free there." in text_of(follower.get(COPY))
    with site.runtime.database.tenant(site.tenant_id) as session:
        (ask,) = asks_of(session, [own_account(site, follower)])
    assert ask.transfer is None


def test_what_the_trader_asks_for_at_least_is_asked_for_at_the_amount(site: FactorSite, reader: Visit) -> None:
    with terms_set(site, min_allocation=1_000):
        assert 'value="1000"' in reader.get(COPY).text
        answer = reader.get(REVIEW, query_string=terms(site, reader))
    assert answer.status_code == 422
    assert "The trader asks for at least 1,000.00 USDT. Enter that or more." in text_of(answer)


def test_a_share_of_the_traders_own_is_what_copying_costs(site: FactorSite, reader: Visit) -> None:
    with terms_set(site, profit_share="0.25"):
        assert "25 %" in text_of(reader.get(REVIEW, query_string=terms(site, reader)))


def test_a_full_strategy_is_refused_before_anybody_confirms(site: FactorSite, reader: Visit) -> None:
    with terms_set(site, followers_max=1):
        answer = reader.get(REVIEW, query_string=terms(site, reader))
    assert (answer.status_code, "There is no place at present." in text_of(answer)) == (422, True)


def test_a_private_strategy_is_not_there_for_who_was_not_invited(site: FactorSite, reader: Visit) -> None:
    with terms_set(site, private=True):
        assert [reader.get(path).status_code for path in (COPY, REVIEW)] == [404, 404]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("paused", "nothing is opened until the trader goes on"),
        ("suspended", "nothing is opened until somebody here has looked at it"),
        ("probation", "It is copied like any other."),
        ("closed", "Nobody can begin to copy it any more."),
    ],
)
def test_a_strategy_that_does_not_run_says_so_before_anything_is_filled_in(
    site: FactorSite, reader: Visit, status: str, sentence: str
) -> None:
    with dawn_is(site, status):
        page = reader.get(COPY)
        offered = f'href="{COPY}"' in reader.get("/strategies/dawn").text
        review = reader.get(REVIEW, query_string=terms(site, reader))
    assert sentence in text_of(page)
    assert offered is (status != "closed")
    assert ("Start copying" in review.text) is (status != "closed")


def test_a_switch_that_stops_opening_is_told_with_its_reason(site: FactorSite, reader: Visit) -> None:
    with site.runtime.database.tenant(site.tenant_id) as session:
        strategy_id = session.scalars(select(Strategy.id).where(Strategy.slug == "dawn")).one()
        values = {"reach": str(Reach.STRATEGY), "subject": str(strategy_id), "stops": str(Stops.OPENS)}
        session.add(Switch(tenant_id=site.tenant_id, **values, reason="The record is looked at.", author="Mara"))
    told = text_of(reader.get(COPY))
    with site.runtime.database.tenant(site.tenant_id) as session:
        session.execute(text("UPDATE risk_switch SET lifted_at = now(), lifted_by = 'Mara'"))
    assert "Opening is stopped for now: The record is looked at. You can begin" in told
    assert "Opening is stopped" not in text_of(reader.get(COPY))


def test_the_traders_own_account_cannot_copy_itself(site: FactorSite, follower: Visit) -> None:
    with site.runtime.database.tenant(site.tenant_id) as session:
        session.execute(
            text(
                "UPDATE account SET uid_hash = 'same' WHERE id = :own "
                "OR id = (SELECT account_id FROM strategy WHERE slug = 'dawn')"
            ),
            {"own": own_account(site, follower)},
        )
    told = text_of(follower.get(COPY))
    with site.runtime.database.tenant(site.tenant_id) as session:
        session.execute(text("UPDATE account SET uid_hash = NULL"))
    assert "This account cannot copy this strategy" in told and "An account cannot copy itself." in told


def test_another_persons_account_and_another_brands_strategy_are_not_there(site: FactorSite, reader: Visit) -> None:
    stranger = site.person()
    stranger.set_up_app()
    theirs = str(connect(site, stranger, "Theirs"))
    answer = reader.get(REVIEW, query_string=terms(site, reader) | {"account": theirs})
    assert (answer.status_code, "Theirs" in answer.text) == (422, False)
    for path in ("/strategies/fjord/copy", "/strategies/fjord/copy/review", "/strategies/fjord/copy/preflight"):
        assert reader.get(path).status_code == 404, path


def test_strangers_sign_in_first_and_come_back_and_traders_have_no_button(site: FactorSite) -> None:
    stranger = site.app.test_client()
    there = stranger.get(f"{REVIEW}?amount=500", base_url="http://aurora.localhost").location
    assert urlsplit(there).path == "/account/sign-in" and "amount%3D500" in there
    trader = site.person(Role.TRADER)
    trader.set_up_app()
    assert f'href="{COPY}"' not in trader.get("/strategies/dawn").text
    assert trader.get(COPY).status_code == 403


@contextmanager
def terms_set(site: FactorSite, **asked: object) -> Iterator[None]:
    """Let the trader of the strategy ask something for a while."""
    usual = {"profit_share": "0.10", "min_allocation": 0, "followers_max": None, "private": False}
    store = text(
        "INSERT INTO strategy_terms (tenant_id, strategy_id, profit_share, min_allocation, followers_max, private, "
        "shows, submitted_at, reason) SELECT :tenant, id, :profit_share, :min_allocation, :followers_max, :private, "
        "'{}', now(), '' FROM strategy WHERE slug = 'dawn'"
    )
    with site.runtime.database.tenant(site.tenant_id) as session:
        session.execute(store, {"tenant": site.tenant_id, **usual, **asked})
    yield
    with site.runtime.database.tenant(site.tenant_id) as session:
        session.execute(text("DELETE FROM strategy_terms"))


@contextmanager
def dawn_is(site: FactorSite, status: str) -> Iterator[None]:
    """Let the strategy have another status for a while."""
    become = text("UPDATE strategy SET status = :status WHERE slug = 'dawn'")
    with site.runtime.database.tenant(site.tenant_id) as session:
        session.execute(become, {"status": status})
    yield
    with site.runtime.database.tenant(site.tenant_id) as session:
        session.execute(become, {"status": "live"})
