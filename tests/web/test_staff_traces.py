"""Staff pages leave a trace: who looked at whom is recorded, who may shut staff out is known, odd forms get words."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from copydesk.audit import read_entries
from copydesk.db import Database
from copydesk.identity import Role, User
from copydesk.identity.access import allowed_networks
from copydesk.identity.factors.tables import TotpSecret
from copydesk.notifications.tables import Mail
from flask.testing import FlaskClient
from form_posts import submit
from matrix_people import PERSONAS, person, seed_people, signed_in, subscription, token_of
from site_seed import HOSTS, NOW, FakeRuntime, Seeded
from sqlalchemy import select

Enter = Callable[[str], FlaskClient]
BRAND = "aurora"


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    database = Database.connect(database_url, pool_size=1)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def users(database: Database, seeded: Seeded, runtime: FakeRuntime) -> dict[str, int]:
    found = seed_people(database, seeded, runtime.identity_vault)
    return {name: number for (name, brand), number in found.items() if brand == BRAND}


@pytest.fixture
def enter(visit: Callable[[str], FlaskClient], users: dict[str, int]) -> Enter:
    """Open a browser on the brand, signed in as somebody of the matrix."""
    tokens = {one.name: token_of(one, BRAND) for one in PERSONAS if one.name in users}

    def entered(name: str) -> FlaskClient:
        browser = visit(BRAND)
        browser.set_cookie("session", tokens[name], domain=HOSTS[BRAND])
        return browser

    return entered


@pytest.fixture
def tenant_id(seeded: Seeded) -> int:
    return seeded.tenant_ids[BRAND]


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def recorded(database: Database, tenant_id: int, wanted: dict[str, Any]) -> int:
    with database.tenant(tenant_id) as session:
        return len(read_entries(session, tenant_id, **wanted))


@pytest.mark.parametrize(
    ("page", "act", "subject"),
    [
        ("/staff/users/{user}/block", "user.viewed", "user:{user}"),
        ("/staff/users/{user}/unblock", "user.viewed", "user:{user}"),
        ("/staff/users/{user}/end-sessions", "user.viewed", "user:{user}"),
        ("/staff/team/{member}", "user.viewed", "user:{member}"),
        ("/staff/team", "staff.listed", "staff"),
        ("/risk/subscriptions/{subscription}", "subscription.viewed", "subscription:{subscription}"),
        ("/risk/subscriptions/{subscription}/now", "subscription.viewed", "subscription:{subscription}"),
    ],
)
def test_whoever_of_staff_opens_a_page_about_people_is_recorded(
    enter: Enter, users: dict[str, int], database: Database, tenant_id: int, page: str, act: str, subject: str
) -> None:
    with database.tenant(tenant_id) as session:
        subscribed = subscription(session, users["follower"])
    numbers = {"user": users["trader"], "member": users["auditor"], "subscription": subscribed}
    wanted = {"act": act, "subject": subject.format(**numbers), "user_id": users["owner"]}
    before = recorded(database, tenant_id, wanted)
    assert enter("owner").get(page.format(**numbers)).status_code == 200
    assert recorded(database, tenant_id, wanted) == before + 1


def test_figures_that_renew_themselves_are_recorded_once_an_hour_and_ones_own_never(
    enter: Enter, users: dict[str, int], database: Database, tenant_id: int
) -> None:
    with database.tenant(tenant_id) as session:
        number = subscription(session, users["follower"])
    page = f"/risk/subscriptions/{number}"
    for path in (page, f"{page}/now", f"{page}/now"):
        assert [enter(name).get(path).status_code for name in ("risk", "follower")] == [200, 200]
    assert recorded(database, tenant_id, {"act": "subscription.viewed", "subject": f"subscription:{number}"}) == 1


@pytest.mark.parametrize("path", ["/staff/team/invite", "/staff/team/{none}"])
def test_a_role_that_no_role_can_be_called_is_refused_in_words(enter: Enter, users: dict[str, int], path: str) -> None:
    page = path.format(none=users["none"])
    answer = submit(enter("owner"), page, {"email": "x@example.com", "roles": "sup\0port" * 2}, page=page)
    assert answer.status_code == 422
    assert 'there is no role "supportsupport"' in plain(answer.text)


@pytest.mark.parametrize("path", ["/staff/users", "/staff/audit"])
def test_a_number_that_no_row_can_have_continues_no_list(enter: Enter, path: str) -> None:
    assert [enter("owner").get(f"{path}?before={text}").status_code for text in ("9" * 30, "9" * 5_000)] == [404, 404]


def test_only_an_owner_shuts_addresses_of_staff_out_and_the_others_are_told(
    enter: Enter, users: dict[str, int], database: Database, tenant_id: int
) -> None:
    path, (own, office) = "/staff/allowlist", ("127.0.0.0/8", "203.0.113.0/24")
    first = submit(enter("administrator"), path, {"network": own}, page=path)
    assert first.status_code == 403
    assert "only an owner" in plain(first.text)
    for name, network in (("owner", own), ("administrator", office)):
        assert submit(enter(name), path, {"network": network}, page=path).status_code == 303
    with database.tenant(tenant_id) as session:
        mine, theirs = allowed_networks(session, None)
        mails = session.scalars(select(Mail).where(Mail.kind == "staff_changed", Mail.facts.has_key("change"))).all()
        email = session.scalars(select(User.email).where(User.id == users["owner"])).one()
        told = [mail.facts["change"] for mail in mails if mail.recipient == email]
        assert told == [f"allowlist.added {office}"]  # Of what an owner did, the other owners hear.
        assert f"allowlist.added {own}" in {mail.facts["change"] for mail in mails}
    assert submit(enter("administrator"), f"{path}/{theirs.id}/remove", page=path).status_code == 403
    assert submit(enter("owner"), f"{path}/{theirs.id}/remove", page=path).status_code == 303
    assert submit(enter("administrator"), f"{path}/{mine.id}/remove", page=path).status_code == 303


def test_an_operator_who_has_codes_but_no_passkey_yet_is_asked_for_a_code(
    visit: Callable[[str], FlaskClient], users: dict[str, int], database: Database, tenant_id: int
) -> None:
    with database.tenant(tenant_id) as session:
        operator = person(tenant_id, "an operator with codes", Role.OPERATOR)
        session.add(operator)
        session.flush()
        session.add(signed_in(tenant_id, operator.id, "with-codes", fresh=False))
        session.add(TotpSecret(tenant_id=tenant_id, user_id=operator.id, confirmed=True, created_at=NOW))
    assert users
    browser, path = visit(BRAND), "/account/factors/passkeys"
    browser.set_cookie("session", "with-codes", domain=HOSTS[BRAND])
    answer = browser.get(path)
    assert answer.headers["Location"] == "/account/factors/step-up?next=%2Faccount%2Ffactors%2Fpasskeys"
