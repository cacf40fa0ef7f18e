"""The demo without registration, on a simulated exchange: one press, an account with money, a page that goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from account_people import Browser, MovingClock, People
from copydesk.bootstrap import Runtime
from copydesk.bootstrap.demo_lab import open_lab_door
from copydesk.guests.lab import LabHttp
from copydesk.identity import User
from copydesk.kernel import ConfigError
from copydesk.keys.tables import KeyIntake
from copydesk.vault import Account
from copydesk.web import create_app
from copydesk.web.database import db
from form_posts import submit
from lab_desk import DeskRuntime, LabHand, desk_at_hand, open_lab
from site_seed import FakeRuntime
from sqlalchemy import select
from werkzeug.test import TestResponse

Look = Callable[[], None]
NEXT = "/strategies/dawn/copy"
MONTH_S = 30 * 24 * 3600


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHand]:
    with open_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def runtime(runtime: FakeRuntime, lab: LabHand) -> FakeRuntime:
    return replace(runtime, lab_door=LabHttp(lab.control_url, lab.token))


@pytest.fixture(scope="module")
def desk(runtime: FakeRuntime, lab: LabHand, clock: MovingClock) -> Iterator[Look]:
    with desk_at_hand(DeskRuntime(runtime, lab), clock) as look:
        look()
        yield look


@pytest.fixture
def stranger(people: People, desk: Look) -> Browser:
    return people.browser()


def begin(browser: Browser, wanted: str = NEXT) -> TestResponse:
    return submit(browser, "/guest", {"next": wanted})


def guest_of(people: People) -> User:
    """Return whoever became a guest last."""
    with people.database.tenant(people.runtime.tenant_ids["aurora"]) as session:
        newest = select(User).where(User.guest_until.is_not(None)).order_by(User.id.desc()).limit(1)
        return session.scalars(newest).one()


def account_of(people: People, user: User) -> Account:
    with people.database.tenant(user.tenant_id) as session:
        return session.scalars(select(Account).where(Account.user_id == user.id)).one()


def test_one_press_opens_a_funded_account_and_the_page_goes_on_by_itself(
    stranger: Browser, people: People, desk: Look, lab: LabHand
) -> None:
    assert 'action="/guest"' in stranger.get("/").text
    answer = begin(stranger)
    assert (answer.status_code, answer.location) == (303, f"/guest/opening?{urlencode({'next': NEXT})}")
    assert f"Max-Age={MONTH_S}" in next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("session="))
    waiting = stranger.get(answer.location)
    assert waiting.status_code == 200 and "is being opened" in waiting.text and 'http-equiv="refresh"' in waiting.text
    assert stranger.get(f"/guest/opening/now?next={NEXT}").status_code == 200
    desk()
    fragment = stranger.get(f"/guest/opening/now?next={NEXT}")
    assert fragment.headers["HX-Redirect"] == NEXT
    assert stranger.get(answer.location).location == NEXT
    account = account_of(people, guest_of(people))
    assert (account.environment, account.venue, account.status, account.demo) == ("lab", "okx", "active", True)
    assert account.sealed_key is not None
    with people.database.tenant(account.tenant_id) as session:
        intake = session.scalars(select(KeyIntake).where(KeyIntake.account_id == account.id)).one()
    assert intake.sealed is None, "what was handed in is not kept"
    held = [one for one in lab.control.call("GET", "accounts")["accounts"] if ":guest:" in one["account"]]
    assert held[-1]["trading"]["USDT"][0] == "10000"


def test_a_guest_has_a_name_but_no_address_and_needs_no_factor(stranger: Browser, people: People, desk: Look) -> None:
    begin(stranger)
    desk()
    user = guest_of(people)
    assert re.fullmatch(r"Guest [0-9A-F]{4}", user.display_name)
    assert user.email.endswith("@guest.invalid") and user.password_hash is None
    page = stranger.get("/keys")
    assert page.status_code == 200 and "Demo account" in page.text
    assert "kept until" in page.text and user.email not in stranger.get("/account").text
    assert people.mails("aurora", user.email) == []
    acts = people.acts("aurora", f"user:{user.id}")
    assert acts == ["guest.opened"]


def test_the_browser_finds_its_demo_again_for_thirty_days_and_no_longer(
    stranger: Browser, people: People, desk: Look, clock: MovingClock
) -> None:
    begin(stranger)
    desk()
    clock.pass_(days=29)
    assert stranger.get("/keys").status_code == 200
    clock.pass_(days=1, minutes=1)
    assert stranger.get("/keys").location.startswith("/account/sign-in")


def test_a_key_that_is_not_accepted_is_made_anew(stranger: Browser, people: People, desk: Look, lab: LabHand) -> None:
    begin(stranger)
    newest = lab.control.call("GET", "keys")["keys"][-1]
    lab.control.call("DELETE", "keys", {"apiKey": newest["apiKey"]})
    desk()
    page = stranger.get("/guest/opening")
    assert "not open yet" in page.text
    assert submit(stranger, "/guest/opening", page="/guest/opening").status_code == 303
    desk()
    assert stranger.get("/guest/opening").location == "/strategies"
    assert account_of(people, guest_of(people)).status == "active"
    assert submit(stranger, "/guest/opening").location == "/guest/opening", "what is open stays as it is"


def test_whoever_is_somebody_opens_no_demo(people: People, stranger: Browser, desk: Look) -> None:
    begin(stranger)
    before = guest_of(people).id
    assert begin(stranger, "/desk").location == "/desk"
    member = people.signed_in(people.add(factor=True))
    assert begin(member).location == NEXT
    assert member.get("/guest").location == "/strategies"
    assert member.get("/guest/opening").location == "/account"
    assert guest_of(people).id == before


def test_a_lab_that_is_away_is_said_and_nothing_is_stored(people: People, desk: Look, runtime: FakeRuntime) -> None:
    before = guest_of(people).id if _any(people) else 0
    app = create_app(replace(runtime, lab_door=LabHttp("http://127.0.0.1:1", "token")), clock=people.clock)
    away = replace(people, app=app).browser()
    away.ip = "198.19.77.7"
    answer = begin(away)
    assert answer.status_code == 503 and "does not answer" in answer.text and f'value="{NEXT}"' in answer.text
    assert away.get_cookie("session", domain=away.host) is None
    assert (guest_of(people).id if _any(people) else 0) == before
    with app.app_context():
        db.engine.dispose()


def _any(people: People) -> bool:
    with people.database.tenant(people.runtime.tenant_ids["aurora"]) as session:
        return session.scalar(select(User.id).where(User.guest_until.is_not(None)).limit(1)) is not None


def test_without_a_simulated_exchange_there_is_no_demo(runtime: FakeRuntime, people: People) -> None:
    app = create_app(replace(runtime, lab_door=None), clock=people.clock)
    browser = replace(people, app=app).browser()
    assert "Try the demo" not in browser.get("/").text
    assert browser.get("/guest").status_code == 404
    assert begin(browser).status_code == 404
    with app.app_context():
        db.engine.dispose()


def test_no_control_address_or_token_means_no_door(tmp_path: Path) -> None:
    named = Runtime({"COPYDESK_ROOT": str(tmp_path), "COPYDESK_LAB_CONTROL": "http://127.0.0.1:8012"})
    assert open_lab_door(named) is None
    (tmp_path / "var" / "lab").mkdir(parents=True)
    (tmp_path / "var" / "lab" / "token").write_text("a token\n")
    assert open_lab_door(named) is not None
    with pytest.raises(ConfigError, match=r"guests\.lab_control_url: expected"):
        LabHttp("https://lab.example", "a token")
