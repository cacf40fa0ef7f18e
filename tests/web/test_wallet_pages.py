"""The pages of wallets: what they show, what they ask for, and what they refuse in whose words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from factor_site import FactorSite, Visit
from lab_desk import DeskRuntime, LabHand, desk_at_hand, open_lab, wallets_at_hand
from werkzeug.test import TestResponse

Look = Callable[[], None]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHand]:
    with open_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def desks(site: FactorSite, lab: LabHand) -> Iterator[Look]:
    """Both desks, which look when called."""
    runtime = DeskRuntime(site.runtime, lab)
    with desk_at_hand(runtime, site.clock) as keys, wallets_at_hand(runtime, site.clock) as wallets:

        def look() -> None:
            keys()
            wallets()

        look()
        yield look


@pytest.fixture
def owner(site: FactorSite, desks: Look) -> Visit:
    """Somebody who has just given their second factor."""
    person = site.person()
    assert person.set_up_app().status_code in {200, 303}
    return person


def connect(owner: Visit, lab: LabHand, desks: Look, venue: str) -> int:
    """Connect an account, and return its number."""
    handed = lab.key(lab.account(venue))
    fields = {"api_key": handed.api_key, "secret": handed.secret, "passphrase": handed.passphrase}
    assert owner.send(f"/keys/new/{venue}/enter", label="My account", **fields).status_code == 303
    desks()
    return int(owner.get("/wallets").text.partition("/wallets/")[2].partition("/")[0])


def text_of(page: TestResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page.text)).split())


def test_who_has_no_account_is_told_what_will_stand_here(owner: Visit) -> None:
    assert "No exchange account yet" in text_of(owner.get("/wallets"))


def test_an_owner_looks_moves_and_sees_what_became_of_it(owner: Visit, lab: LabHand, desks: Look) -> None:
    number = connect(owner, lab, desks, "okx")
    assert "Not looked at yet" in text_of(owner.get("/wallets"))
    owner.send(f"/wallets/{number}/look", page="/wallets")
    assert (owner.get("/wallets/now").status_code, "hx-get" in owner.get("/wallets").text) == (200, True)
    desks()
    assert owner.get("/wallets/now").status_code == 286
    assert "1,000 USDT" in text_of(owner.get("/wallets"))
    move = f"/wallets/{number}/move"
    moved = owner.send(move, currency="USDT", amount="250,5", source="spot", target="funding")
    assert moved.status_code == 303
    assert "250.5 USDT is on its way from Trading (spot and futures) to Funding." in text_of(owner.get("/wallets"))
    desks()
    page = text_of(owner.get("/wallets"))
    assert "250.5 USDT moved from Trading (spot and futures) to Funding." in page
    assert "749.5 USDT" in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "nothing"}, "Enter an amount above zero."),
        ({"amount": "-5"}, "Enter an amount above zero."),
        ({"amount": "NaN"}, "Enter an amount above zero."),
        ({"amount": "1e-40"}, "Enter an amount above zero."),
        ({"amount": "1e90"}, "Enter an amount above zero."),
        ({"source": "elsewhere"}, "Choose a wallet."),
        ({"target": "spot"}, "Choose another wallet than the one it comes from."),
        ({"target": "futures"}, "Choose another wallet than the one it comes from."),
        ({"currency": "'; --"}, "Choose a currency."),
    ],
)
def test_what_cannot_work_is_said_at_its_field_and_the_rest_is_kept(
    owner: Visit, lab: LabHand, desks: Look, typed: dict[str, str], sentence: str
) -> None:
    number = connect(owner, lab, desks, "okx")
    fields = {"currency": "USDT", "amount": "17.25", "source": "spot", "target": "funding"} | typed
    page = owner.send(f"/wallets/{number}/move", **fields)
    assert page.status_code == 422
    assert sentence in text_of(page)
    assert "amount" in typed or 'value="17.25"' in page.text


def test_where_our_keys_may_not_move_money_the_page_says_where_it_is_done(
    owner: Visit, lab: LabHand, desks: Look
) -> None:
    number = connect(owner, lab, desks, "binance")
    assert "Move it at Binance itself" in text_of(owner.get("/wallets"))
    assert owner.get(f"/wallets/{number}/move").status_code == 404


def test_nobody_looks_into_anothers_wallets(site: FactorSite, owner: Visit, lab: LabHand, desks: Look) -> None:
    number = connect(owner, lab, desks, "okx")
    other = site.person()
    assert other.set_up_app().status_code in {200, 303}
    assert other.get(f"/wallets/{number}/move").status_code == 404
    assert other.send(f"/wallets/{number}/look", page="/wallets").status_code == 404
    assert "My account" not in other.get("/wallets").text
