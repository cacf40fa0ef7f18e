"""The studio in a browser: applying, review, reports, announcements, invitations, pausing and closing."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

import pytest
from copydesk.db import Database
from copydesk.keys.tables import AccountKey
from copydesk.vault.tables import Account
from flask.testing import FlaskClient
from form_posts import submit
from matrix_people import PERSONAS, seed_people, token_of
from site_seed import HOSTS, NOW, STRATEGIES, FakeRuntime, Seeded
from sqlalchemy import text

BRAND = "aurora"
SLUG, NAME, _ = STRATEGIES[BRAND]
APPLY = "/studio/apply"
FORM = {
    "name": "Night Runner",
    "summary": "Sells weakness in liquid coins.",
    "profit_share": "12,5",
    "min_allocation": "250",
    "followers_max": "",
    "positions": "delayed",
    "followers_shown": "yes",
    "agree": "yes",
}
# What keeps figures in their own direction.
_MARKS = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200e\u200f"))
Enter = Callable[[str], FlaskClient]


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    database = Database.connect(database_url, pool_size=1)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def people(database: Database, seeded: Seeded, runtime: FakeRuntime) -> dict[tuple[str, str], int]:
    """Everybody of the matrix; the trader leads the seeded strategy and has one more account that can lead."""
    users = seed_people(database, seeded, runtime.identity_vault)
    trader, tenant_id = users["trader", BRAND], seeded.tenant_ids[BRAND]
    with database.tenant(tenant_id) as session:
        session.execute(text("UPDATE strategy SET trader_id = :id"), {"id": trader})
        account = Account(
            tenant_id=tenant_id,
            user_id=trader,
            venue="binance",
            environment="lab",
            label="Second <desk>",
            shard="binance-lab:0",
            sealed_key=b"sealed",
        )
        session.add(account)
        session.flush()
        scope = {"can_read": True, "can_trade": True}
        session.add(AccountKey(tenant_id=tenant_id, account_id=account.id, scope=scope, due_at=NOW))
    return users


@pytest.fixture
def enter(visit: Callable[[str], FlaskClient], people: dict[tuple[str, str], int]) -> Enter:
    """Open a browser on the brand, signed in as somebody of the matrix."""
    assert people

    def signed_in(name: str) -> FlaskClient:
        browser = visit(BRAND)
        persona = next(one for one in PERSONAS if one.name == name)
        browser.set_cookie("session", token_of(persona, BRAND), domain=HOSTS[BRAND])
        return browser

    return signed_in


@pytest.fixture(autouse=True)
def _as_before(database: Database, seeded: Seeded) -> Iterator[None]:
    """Take back what a test stored: terms, other strategies, what became of the seeded one."""
    yield
    with database.tenant(seeded.tenant_ids[BRAND]) as session:
        for table in ("announcement", "strategy_invite", "watch", "strategy_terms"):
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text("DELETE FROM strategy WHERE slug <> :slug"), {"slug": SLUG})
        session.execute(text("UPDATE strategy SET status = 'live'"))


def plain(page: str) -> str:
    text_alone = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return " ".join(text_alone.translate(_MARKS).split())


def accounts_in(page: str) -> list[str]:
    return re.findall(r'name="account" value="(\d+)"', page)


def hand_in(trader: FlaskClient, **changed: str) -> str:
    """Apply with the account that can lead, and return the slug."""
    page = trader.get(APPLY).text
    (account,) = accounts_in(page)
    assert 'name="profit_share" type="text" inputmode="decimal" value="10"' in page, "it can be sent as it is"
    answer = submit(trader, APPLY, FORM | {"account": account} | changed, page=APPLY)
    assert answer.status_code == 303, plain(answer.text)
    return answer.headers["Location"].removeprefix("/studio/")


def test_a_trader_applies_staff_approve_and_everybody_reads_that_it_is_on_probation(enter: Enter) -> None:
    trader, staff = enter("trader"), enter("compliance")
    slug = hand_in(trader)
    assert slug == "night-runner"
    page = plain(trader.get(f"/studio/{slug}").text)
    assert "In review: nobody sees it" in page
    assert "Profit share 12.5 %" in page
    assert trader.get(f"/strategies/{slug}").status_code == 404
    listed = plain(staff.get("/staff/strategies").text)
    assert listed.index("Night Runner") < listed.index(NAME)
    review = f"/staff/strategies/{slug}"
    assert "shown a day later" in plain(staff.get(review).text)
    assert submit(staff, f"{review}/approve", page=review).status_code == 303
    assert "On probation" in plain(staff.get(f"/strategies/{slug}").text)
    assert "On probation" in plain(staff.get("/strategies").text)
    assert "it is on probation, until March 31" in plain(trader.get("/studio").text).replace("Mar 31", "March 31")
    assert "No account that can lead" in plain(trader.get(APPLY).text)


def test_a_form_keeps_what_was_typed_and_says_what_is_wrong_where(enter: Enter) -> None:
    trader = enter("trader")
    answer = submit(trader, APPLY, FORM | {"profit_share": "60", "agree": "yes"}, page=APPLY)
    assert answer.status_code == 422
    assert "Profit share: expected a number from 0 to" in plain(answer.text)
    assert 'value="Night Runner"' in answer.text
    for field, value, said in (
        ("agree", "", "tick that you agree"),
        ("followers_max", "many", "from 1 to 1000, or nothing"),
        ("name", "x", "Name: expected 3 to 60"),
        ("account", "", "choose one of yours"),
        ("min_allocation", "NaN", "Minimum allocation: expected 0 to"),
    ):
        answer = submit(trader, APPLY, FORM | {field: value}, page=APPLY)
        assert (answer.status_code, said in plain(answer.text)) == (422, True), field


def test_a_declined_application_shows_the_reason_and_is_handed_in_again(enter: Enter) -> None:
    trader, staff = enter("trader"), enter("compliance")
    slug = hand_in(trader)
    review = f"/staff/strategies/{slug}"
    assert "expected 10 to 500 characters" in plain(submit(staff, f"{review}/reject", page=review).text)
    submit(staff, f"{review}/reject", {"reason": "Promises a <b>return</b>."}, page=review)
    assert "It was not approved: Promises a <b>return</b>." in plain(trader.get(f"/studio/{slug}").text)
    assert 'value="Night Runner"' in trader.get(f"{APPLY}?again={slug}").text
    assert hand_in(trader, name="Night Walker") == slug
    assert "decided" not in plain(submit(staff, f"{review}/approve", page=review).text)


def test_the_studio_shows_figures_in_aggregate_and_never_a_follower(enter: Enter) -> None:
    trader = enter("trader")
    page = trader.get(f"/studio/{SLUG}").text
    for words in ("Copy now 4", "Allocated in all", "2,000.00", "Not enough copies yet", "Estimate", "Max drawdown"):
        assert words in plain(page), words
    assert "Secret Person" not in page
    report = trader.get(f"/studio/{SLUG}/signals")
    told = plain(report.text)
    assert "67 % 2 of 3" in told
    assert "90 ms · 99 ms" in told
    assert "1 on the way" in told
    assert "worth less than the exchange's minimum" in told
    assert "Secret Person" not in report.text
    assert "No older trades" in plain(trader.get(f"/studio/{SLUG}/signals?before=1").text)
    assert trader.get(f"/studio/{SLUG}/signals?before=x").status_code == 200


def test_another_trader_and_a_follower_find_nothing(enter: Enter, visit: Callable[[str], FlaskClient]) -> None:
    assert enter("follower").get("/studio").status_code == 403
    assert enter("support").get("/staff/strategies").status_code == 403
    assert visit(BRAND).get(f"/studio/{SLUG}").status_code == 303
    assert enter("trader").get("/studio/none").status_code == 404


def test_an_announcement_is_written_read_and_deleted(enter: Enter) -> None:
    trader = enter("trader")
    path = f"/studio/{SLUG}/announcements"
    assert "expected 1 to 1000 characters" in plain(submit(trader, path, {"body": " "}, page=path).text)
    assert submit(trader, path, {"body": "Less size.\n<b>This</b> week."}, page=path).status_code == 303
    page = trader.get(path).text
    assert "Less size. <b>This</b> week." in plain(page)
    assert "<b>This" not in page
    (delete,) = re.findall(rf'action="({path}/\d+/delete)"', page)
    assert submit(trader, delete, page=path).status_code == 303
    assert "Nothing announced yet" in plain(trader.get(path).text)


def test_pausing_going_on_and_closing_name_what_they_mean(enter: Enter, database: Database, seeded: Seeded) -> None:
    trader = enter("trader")
    manage = f"/studio/{SLUG}/manage"
    assert "Nothing new is opened for 4 followers" in plain(trader.get(manage).text)
    assert submit(trader, f"/studio/{SLUG}/pause", page=manage).status_code == 303
    assert "You paused it" in plain(trader.get(f"/studio/{SLUG}").text)
    assert submit(trader, f"/studio/{SLUG}/pause", page=manage).status_code == 303, "what is done is done once"
    assert submit(trader, f"/studio/{SLUG}/resume", page=manage).status_code == 303
    assert "People can copy it." in plain(trader.get(f"/studio/{SLUG}").text)
    with database.tenant(seeded.tenant_ids[BRAND]) as session:
        session.execute(text("UPDATE strategy SET status = 'suspended' WHERE slug = :slug"), {"slug": SLUG})
    assert "in another state by now" in plain(submit(trader, f"/studio/{SLUG}/resume", page=manage).text)
    assert "cannot be undone" in plain(submit(trader, f"/studio/{SLUG}/close", page=manage).text)


def test_a_private_strategy_is_there_for_who_was_invited_and_for_nobody_else(
    enter: Enter, visit: Callable[[str], FlaskClient]
) -> None:
    trader, staff, follower = enter("trader"), enter("compliance"), enter("follower")
    slug = hand_in(trader, private="yes")
    submit(staff, f"/staff/strategies/{slug}/approve", page=f"/staff/strategies/{slug}")
    for path in ("/strategies", "/sitemap.xml", f"/strategies/{SLUG}"):
        page = visit(BRAND).get(path).text
        assert slug not in page and "Night Runner" not in page, path
    pages = (
        f"/strategies/{slug}",
        f"/strategies/{slug}/equity.json",
        f"/compare?s={slug}",
        f"/api/v1/strategies/{slug}",
    )
    for path in (*pages, f"/api/v1/compare?s={slug}"):
        assert visit(BRAND).get(path).status_code == 404, path
        assert follower.get(path).status_code == 404, path
    path = f"/studio/{slug}/invitations"
    made = submit(trader, path, {"label": "A friend"}, page=path).text
    (link,) = re.findall(r"https?://[^<\s]+(/invitation/[\w-]+)", made)
    assert link not in trader.get(path).text, "it is shown once"
    assert "Night Runner" in plain(follower.get(link).text)
    assert submit(follower, link, page=link).headers["Location"] == f"/strategies/{slug}"
    assert follower.get(f"/strategies/{slug}").status_code == 200
    assert "Taken up" in plain(trader.get(path).text)
    assert enter("a follower in a new place").get(link).status_code == 410
    (revoke,) = re.findall(rf'action="({path}/\d+/revoke)"', trader.get(path).text)
    assert submit(trader, revoke, page=path).status_code == 303
    assert follower.get(f"/strategies/{slug}").status_code == 404


def test_positions_are_shown_to_all_as_the_trader_chose(
    enter: Enter, database: Database, seeded: Seeded, visit: Callable[[str], FlaskClient]
) -> None:
    terms = (
        "INSERT INTO strategy_terms (tenant_id, strategy_id, profit_share, min_allocation, shows, submitted_at) "
        "SELECT tenant_id, id, 0.1, 0, CAST(:shows AS jsonb), now() FROM strategy"
    )
    for positions, said in (("off", "does not show open positions"), ("delayed", "a day later: this was held")):
        with database.tenant(seeded.tenant_ids[BRAND]) as session:
            session.execute(text("DELETE FROM strategy_terms"))
            session.execute(text(terms), {"shows": f'{{"positions": "{positions}", "followers": false}}'})
        page = plain(visit(BRAND).get(f"/strategies/{SLUG}").text)
        assert said in page
        assert "32,000.00" not in page
        assert "does not show how many follow" in page
        shown = visit(BRAND).get(f"/api/v1/strategies/{SLUG}").get_json()
        assert (shown["positions"], shown["strategy"]["followers"]) == ([], None)
        assert visit(BRAND).get(f"/desk/{seeded.signal_ids[BRAND]}").status_code == 404
    assert "Copy now 4" in plain(enter("trader").get(f"/studio/{SLUG}").text), "the trader sees all"
