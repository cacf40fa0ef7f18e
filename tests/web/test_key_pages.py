"""The pages of exchange keys: what is asked for, what is kept, what is said, and who may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.kernel import Unavailable
from copydesk.keys import Handed
from copydesk.tenancy import TenantDirectory
from copydesk.vault import IntakePublic
from copydesk.web.database import db
from factor_site import FactorSite, Visit
from lab_desk import TRADES, DeskRuntime, LabHand, desk_at_hand, open_lab
from site_seed import ROOT, FakeRuntime
from werkzeug.test import TestResponse

Look = Callable[[], None]
ENTER = "/keys/new/binance/enter"
SECRET = "not-to-be-seen-" + "s" * 49


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHand]:
    with open_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def desk(site: FactorSite, lab: LabHand) -> Iterator[Look]:
    with desk_at_hand(DeskRuntime(site.runtime, lab), site.clock) as look:
        look()
        yield look


@pytest.fixture
def owner(site: FactorSite, desk: Look) -> Visit:
    """Somebody who has just given their second factor."""
    person = site.person()
    assert person.set_up_app().status_code in {200, 303}
    return person


def enter(owner: Visit, handed: Handed, page: str = ENTER, **more: str) -> TestResponse:
    """Fill the form of a key in, and send it."""
    fields = {"api_key": handed.api_key, "secret": handed.secret, "passphrase": handed.passphrase}
    return owner.send(page, **{"label": "My account", **fields, **more})


def text_of(page: TestResponse) -> str:
    return unescape(page.text)


def test_every_exchange_of_the_brand_has_a_guide_with_rights_by_name(owner: Visit) -> None:
    assert "No key yet" in owner.get("/keys").text
    choice = owner.get("/keys/new").text
    for venue in ("binance", "okx", "bybit", "bitget"):
        assert f'href="/keys/new/{venue}"' in choice
        guide = text_of(owner.get(f"/keys/new/{venue}"))
        assert "Leave unticked" in guide and "ithdraw" in guide
    assert "Permits Universal Transfer" in text_of(owner.get("/keys/new/binance"))
    assert "Make the key pair" in text_of(owner.get("/keys/new/binance?way=pair"))
    assert owner.get("/keys/new/kraken").status_code == 404


def test_the_addresses_to_allow_stand_ready_to_be_copied(runtime: FakeRuntime, tmp_path: Path) -> None:
    defaults = tmp_path / "defaults.yaml"
    defaults.write_text("keys:\n  egress_shown: [203.0.113.5, 2001:db8::5]\n")
    directory = TenantDirectory(ROOT / "tenants", defaults, themes_dir=ROOT / "themes", settings=declared_settings())
    site = FactorSite(replace(runtime, directory=directory))
    person = site.person()
    person.set_up_app()
    guide = person.get("/keys/new/okx").text
    assert "data-copy-text>203.0.113.5,2001:db8::5<" in guide
    with site.app.app_context():
        db.engine.dispose()


class Unready(FakeRuntime):
    """An installation whose listener has never run."""

    @property
    def intake(self) -> IntakePublic:
        raise Unavailable("the listener has not started")


def test_a_form_is_kept_while_no_listener_has_ever_run(runtime: FakeRuntime) -> None:
    given = (runtime.database_url, runtime.directory)
    site = FactorSite(Unready(*given, tenant_ids=runtime.tenant_ids))
    person = site.person()
    person.set_up_app()
    answer = enter(person, Handed("k" * 64, SECRET))
    assert answer.status_code == 422
    assert "Keys cannot be taken at the moment" in answer.text and 'value="My account"' in answer.text
    assert SECRET not in answer.text
    with site.app.app_context():
        db.engine.dispose()


def test_all_wrong_fields_are_named_at_once_and_nothing_secret_comes_back(owner: Visit) -> None:
    answer = enter(owner, Handed("two words", SECRET), label="x" * 41)
    page = text_of(answer)
    assert answer.status_code == 422
    assert "Name: at most 40 characters" in page and "API key: letters, digits and signs without spaces" in page
    assert 'href="#field-label"' in answer.text and 'href="#field-api_key"' in answer.text
    assert f'value="{"x" * 41}"' in answer.text, "what is not secret is kept"
    assert SECRET not in page and "two words" not in page


def test_a_key_that_may_only_trade_is_connected(owner: Visit, lab: LabHand, desk: Look) -> None:
    answer = enter(owner, lab.key(lab.account("binance")))
    assert answer.status_code == 303
    waiting = owner.get(answer.location)
    assert "Asking Binance what this key may do" in text_of(waiting)
    assert waiting.headers["Cache-Control"] == "no-store"
    desk()
    done = owner.get(f"{answer.location}/now")
    assert (done.status_code, "Connected" in done.text) == (286, True)
    listing = owner.get("/keys").text
    assert "My account" in listing and "In order" in listing
    health = text_of(owner.get("/keys/" + done.text.partition('href="/keys/')[2].partition('"')[0]))
    assert "Bound to addresses" in health and "Trade perpetuals" in health


def test_a_key_with_a_right_to_withdraw_is_refused_by_its_name(owner: Visit, lab: LabHand, desk: Look) -> None:
    answer = enter(owner, lab.key(lab.account("binance"), *TRADES, "withdraw"))
    desk()
    said = "This key may withdraw. Untick “Enable Withdrawals” for it at Binance, and connect it again."
    assert said in text_of(owner.get(answer.location))
    assert said in text_of(owner.get("/keys"))


def test_a_passphrase_is_asked_for_where_the_exchange_has_one(owner: Visit, lab: LabHand, desk: Look) -> None:
    handed, page = lab.key(lab.account("okx")), "/keys/new/okx/enter"
    assert "Passphrase: enter it, the field is empty." in text_of(enter(owner, replace(handed, passphrase=""), page))
    answer = enter(owner, handed, page)
    desk()
    assert "The key may trade" in owner.get(answer.location).text


def test_a_pair_is_offered_with_its_public_half_to_copy(owner: Visit, desk: Look) -> None:
    answer = owner.send("/keys/new/binance/pair", page=f"{ENTER}?way=pair", label="Pair")
    assert answer.status_code == 303
    desk()
    offer = owner.get(answer.location).text
    assert "-----BEGIN PUBLIC KEY-----" in offer and "PRIVATE" not in offer
    wrong = owner.send(f"{answer.location}/name", api_key="")
    assert (wrong.status_code, "API key: enter it" in wrong.text) == (422, True)
    assert owner.send(f"{answer.location}/give-up", page=answer.location).status_code == 303
    assert "it was given up" in owner.get(answer.location).text


def test_an_old_second_factor_is_asked_for_again_before_a_key_is_entered(site: FactorSite, owner: Visit) -> None:
    token = owner.get(ENTER).text.partition('name="csrf_token" value="')[2].partition('"')[0]
    site.clock.at += timedelta(minutes=6)
    asked = owner.get(ENTER)
    assert (asked.status_code, asked.location.partition("?")[0]) == (303, "/account/factors/step-up")
    assert owner.post(ENTER, data={"csrf_token": token}).status_code == 403


def test_who_has_no_second_factor_or_is_nobody_connects_nothing(site: FactorSite) -> None:
    beginner = site.person()
    assert beginner.get("/keys").location.startswith("/account/factors?")
    beginner.delete_cookie("session", domain=beginner.host)
    assert beginner.get("/keys").location.startswith("/account/sign-in")


def test_the_keys_of_another_person_are_not_there(site: FactorSite, owner: Visit, lab: LabHand, desk: Look) -> None:
    answer = enter(owner, lab.key(lab.account("binance")))
    desk()
    account = owner.get(answer.location).text.partition('href="/keys/')[2]
    done = owner.get(f"{answer.location}/now").text.partition('href="/keys/')[2].partition('"')[0]
    assert account and done.isdecimal()
    stranger = site.person()
    stranger.set_up_app()
    missing = stranger.get("/keys/999999").text
    for path in (answer.location, f"{answer.location}/now", f"/keys/{done}", f"/keys/{done}/disconnect"):
        assert stranger.get(path).status_code == 404, path
    for path in (f"/keys/{done}/check", f"/keys/{done}/disconnect", f"{answer.location}/give-up"):
        assert stranger.send(path, page="/keys/new/binance/enter").status_code == 404, path
    assert stranger.get(f"/keys/{done}").text.partition("<main")[2] == missing.partition("<main")[2]
    assert stranger.get(f"/keys/new/binance?account={done}").status_code == 404


def test_an_account_is_checked_again_and_disconnected_by_its_owner(
    site: FactorSite, owner: Visit, lab: LabHand, desk: Look
) -> None:
    handed = lab.key(lab.account("bybit"))
    answer = enter(owner, handed, "/keys/new/bybit/enter")
    desk()
    account = "/keys/" + owner.get(f"{answer.location}/now").text.partition('href="/keys/')[2].partition('"')[0]
    lab.change(handed, "read")
    site.clock.at += timedelta(seconds=31)
    assert owner.send(f"{account}/check", page=account).status_code == 303
    desk()
    assert "This key may not trade. Tick “SPOT: Trade” for it at Bybit" in text_of(owner.get(account))
    assert owner.send(f"{account}/disconnect", confirmed="yes").location == "/keys"
    assert "Disconnected" in owner.get("/keys").text
