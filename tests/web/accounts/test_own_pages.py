"""What is one's own: sessions, sign-ins, everything as a file, and the end of the account."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from account_people import PASSWORD, People
from copydesk.db import metadata, tenant_tables
from copydesk.identity import Role, SignIn, User, UserSession, UserStatus
from copydesk.identity.access.tables import StaffGrant
from copydesk.notices import DEFAULTS, Channel, Digest, Habit, NoticeKind
from copydesk.notices.preferences import keep_habit, set_wishes
from copydesk.notices.reaching import begin_telegram
from copydesk.notices.tables import NoticeDelivery, NoticeRow
from copydesk.replication.tables import Strategy
from copydesk.studio.watching import watch
from copydesk.vault.tables import Account
from copydesk.web.account.own_data import own_queries
from form_posts import submit
from sqlalchemy import func, select

CLOSING = {"password": PASSWORD, "understood": "yes"}


def test_the_list_of_sessions_ends_one_or_all_others(people: People) -> None:
    user = people.add(factor=True)
    others = [people.signed_in(user) for _ in range(3)]
    browser = people.signed_in(user)
    page = browser.get("/account/sessions").text
    numbers = [int(found) for found in re.findall(r"/account/sessions/(\d+)/end", page)]
    assert len(numbers) == 3 and others[0].ip in page
    assert submit(browser, f"/account/sessions/{min(numbers)}/end", page="/account/sessions").status_code == 303
    assert [other.get("/account").status_code for other in others] == [303, 200, 200]
    submit(browser, "/account/sessions/end-others", page="/account/sessions")
    assert [other.get("/account").status_code for other in others] == [303, 303, 303]
    assert browser.get("/account").status_code == 200


def test_whoever_ends_all_others_leaves_a_copy_of_their_own_cookie_worthless(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    copied = people.with_cookie_of(browser)
    submit(browser, "/account/sessions/end-others", page="/account/sessions")
    assert [one.get("/account").status_code for one in (browser, copied)] == [200, 303]


def test_somebody_elses_session_does_not_exist(people: People) -> None:
    one, other = people.add(factor=True), people.add(factor=True)
    browser, theirs = people.signed_in(one), people.signed_in(other)
    [row] = people.sessions(other)
    for number in (row.id, 2**63, 10**30):
        assert submit(browser, f"/account/sessions/{number}/end").status_code == 404
    assert theirs.get("/account").status_code == 200


def test_the_overview_leads_to_everything_and_says_what_rests(people: People) -> None:
    user = people.add(factor=True)
    submit(people.browser(), "/account/forgot", {"email": user.email})
    link = people.last_link("aurora", user.email)
    submit(people.browser(), link, {"password": PASSWORD + " again"}, page=link)
    browser = people.browser()
    browser.sign_in(user.email, PASSWORD + " again")
    people.set_session(user, factor="totp")
    page = browser.get("/account")
    assert page.status_code == 200
    for path in ("factors", "password", "sessions", "history", "allowlist", "export", "close"):
        assert f'href="/account/{path}"' in page.text
    assert "Your password was reset." in page.text


def test_ones_own_tries_are_listed_with_what_came_of_them(people: People) -> None:
    user, other = people.add(factor=True), people.add()
    people.browser().sign_in(other.email, "not the password 1")
    people.browser().sign_in(user.email, "not the password 1")
    browser = people.signed_in(user)
    page = browser.get("/account/history").text
    assert page.count("Wrong password") == 1 and "second factor asked for" in page
    for before in (2**64, -(10**20), 0, "x"):
        assert browser.get(f"/account/history?before={before}").status_code == 200


def test_tries_are_forgotten_after_their_time(people: People) -> None:
    user, other = people.add(), people.add()
    people.browser().sign_in(user.email, "not the password 1")
    people.browser().sign_in(other.email)
    people.clock.pass_(days=181)
    people.browser().sign_in(other.email)
    assert people.tries(user) == []
    assert [one.created_at for one in people.sessions(other)] == [people.clock.at]


def test_the_export_holds_everything_of_oneself_and_nothing_of_others_and_no_secret(people: People) -> None:
    user, other = people.add(factor=True), people.add(factor=True)
    account_of(people, other, "Theirs")
    account_of(people, user, "Mine")
    people.browser().sign_in(other.email)
    browser = people.signed_in(user)
    answer = submit(browser, "/account/export", page="/account/export")
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    told = json.loads(answer.text)
    assert told["about"]["brand"] == "Aurora"
    assert [row["email"] for row in told["data"]["user_account"]] == [user.email]
    assert [row["label"] for row in told["data"]["account"]] == ["Mine"]
    assert {row["user_id"] for row in told["data"]["sign_in"]} == {user.id}
    assert told["data"]["user_session"] and told["data"]["totp_secret"]
    assert other.email not in answer.text and "Theirs" not in answer.text
    assert not re.search(r"argon2|sealed|_hash|password", answer.text.replace("wrong_password", ""))


def test_every_table_of_a_brand_is_somebodys_own_or_named_here_as_nobodys() -> None:
    """A new table joins the export by itself; one that does not must not be about a person."""
    nobodys = {
        *("audit_checkpoint", "audit_head", "crowd_version", "data_key", "delivery", "order_delivery", "reconcile_run"),
        *("risk_switch", "risk_watch", "shard_lease", "sign_in_throttle", "staff_role"),
        *("legal_text", "legal_version", "setting_revision", "brand_file", "figures_check"),
        *("notice_cursor", "notice_open_copy"),
    }
    assert set(tenant_tables()) - set(own_queries(1, "x")) == nobodys


def test_whoever_a_row_points_at_is_who_it_is_exported_to() -> None:
    """A table that points at people by a column that the export does not go by hides their rows from them."""
    known = {"user_id", "trader_id", "used_by", "invited_by"}  # Who was invited is theirs to know.
    others = {name: columns - known for name in tenant_tables() if (columns := people_columns(name)) - known}
    assert others == {}


def people_columns(name: str) -> set[str]:
    """Return the columns by which a table points at people."""
    keys = metadata.tables[name].foreign_key_constraints
    pointing = [one for one in keys if one.referred_table.name == User.__tablename__]
    return {column.name for one in pointing for column in one.columns} - {"tenant_id"}


# What the web role has not imported is in nobody's export.
MISSING = """
import copydesk.web.app, importlib, pathlib
from copydesk.db import tenant_tables
known, root = set(tenant_tables()), pathlib.Path(copydesk.__path__[0])
for file in root.rglob("*tables.py"):
    importlib.import_module(".".join(("copydesk", *file.relative_to(root).with_suffix("").parts)))
print(sorted(set(tenant_tables()) - known))
"""


def test_the_web_role_alone_knows_every_table() -> None:
    told = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


# What stays of somebody who has closed their account, by its reason.
STAYS = {
    "it was traded, and its other side is somebody else's": {
        *("account", "account_position", "account_purse", "account_setup", "book", "book_adjustment", "cash_flow"),
        *("copy", "copy_fill", "door", "equity_point", "errand", "execution", "funding_payment", "late_join"),
        *("leader_book", "leader_order", "leader_position", "leader_setup", "performance_point", "protective_stop"),
        *("resting_order", "signal", "strategy", "strategy_figures", "strategy_likeness", "strategy_news"),
        *("subscription", "subscription_figures", "terminal_act", "terminal_order", "terminal_view"),
        *("wallet_ask", "wallet_balance"),
    },
    "it was said to followers, agreed with them, or decided about risk": {
        *("announcement", "strategy_invite", "strategy_terms", "risk_act", "risk_limit", "risk_watermark"),
    },
    "it is the record of who did what and agreed to what": {"audit_entry", "legal_acceptance"},
    "it is a number without a name, a secret or a way in": {
        *("user_account", "user_session", "account_key", "key_intake", "invite"),
    },
    "it tells them that their account is closed": {"mail"},
}


def test_export_and_closing_ask_for_the_factor_of_the_last_minutes(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    people.clock.pass_(minutes=6)
    for path in ("/account/export", "/account/close"):
        assert browser.get(path).location.startswith("/account/factors/step-up")
        assert submit(browser, path, CLOSING).status_code == 403
    assert people.fresh(user).status == UserStatus.ACTIVE


def test_closing_erases_the_person_and_keeps_the_number(people: People) -> None:
    user = people.add(factor=True, display_name="Erase Me")
    account_id = account_of(people, user, "Mine")
    elsewhere, browser = people.signed_in(user), people.signed_in(user)
    assert "1 exchange key is destroyed" in browser.get("/account/close").text
    answer = submit(browser, "/account/close", CLOSING, page="/account/close")
    assert answer.location == "/account/sign-in?told=closed"
    assert elsewhere.get("/account").status_code == 303
    closed = people.fresh(user)
    assert (closed.status, closed.display_name, closed.password_hash) == ("closed", "–", None)
    assert user.email not in closed.email
    with people.database.tenant(user.tenant_id) as session:
        assert session.get_one(Account, (user.tenant_id, account_id)).sealed_key is None
        assert session.scalar(select(func.count()).where(SignIn.user_id == user.id)) == 0
        assert set(
            session.execute(select(UserSession.ip, UserSession.agent).where(UserSession.user_id == user.id))
        ) == {("", "")}
    acts = people.acts("aurora", f"user:{user.id}", f"account:{account_id}")
    assert acts == ["key.destroyed", "factors.erased", "account.closed"]
    assert people.browser().sign_in(user.email).status_code == 422
    assert [kind for kind, _ in people.mails("aurora", user.email)] == ["account_closed"]


def test_closing_leaves_nothing_but_what_is_named_with_its_reason(people: People) -> None:
    user, trader = people.add(factor=True), people.add(role=Role.TRADER)
    keys = {"tenant_id": user.tenant_id, "trader_id": trader.id, "account_id": account_of(people, trader, "Theirs")}
    with people.database.tenant(user.tenant_id) as session:
        begin_telegram(session, user.id, at=people.clock.now())
        keep_habit(session, user.id, Habit(digest=Digest.DAILY))
        usual = Channel.MAIL in DEFAULTS[NoticeKind.COPY_OPENED]
        set_wishes(session, user.id, {(NoticeKind.COPY_OPENED, Channel.MAIL): not usual})
        mine = {"tenant_id": user.tenant_id, "user_id": user.id}
        session.add(NoticeRow(**mine, kind="copy_opened", at=people.clock.now(), facts={}, key="one"))
        waiting = {"made_at": people.clock.now(), "due_at": people.clock.now()}
        session.add(NoticeDelivery(**mine, notice_id=1, channel="email", **waiting))
        strategy = Strategy(slug="watched", name="Watched", summary="", **keys)
        session.add(strategy)
        session.flush()
        watch(session, user.id, strategy.id, at=people.clock.now())
    before = tables_with(people, user)
    assert {"notice", "notice_delivery", "notice_habit", "notice_wish", "notice_address", "watch"} <= before
    submit(people.signed_in(user), "/account/close", CLOSING)
    assert tables_with(people, user) <= {name for names in STAYS.values() for name in names}


def tables_with(people: People, user: User) -> set[str]:
    """Return the tables in which there is anything of somebody."""
    with people.database.tenant(user.tenant_id) as session:
        queries = own_queries(user.id, user.email)
        return {name for name, query in queries.items() if session.execute(query.limit(1)).first()}


def test_the_address_of_a_closed_account_is_free_again(people: People) -> None:
    user = people.add(factor=True)
    submit(people.signed_in(user), "/account/close", CLOSING)
    typed = {"email": user.email, "display_name": "Again", "role": "trader", "password": "heron under 9 willows"}
    submit(people.browser(), "/account/register", typed)
    again = people.find("aurora", user.email)
    assert again is not None and again.id != user.id


def test_closing_needs_the_password_and_the_tick(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    bare = submit(browser, "/account/close", {})
    assert bare.status_code == 422
    assert "Enter your password." in bare.text and "open positions are yours to close" in bare.text
    wrong = submit(browser, "/account/close", {**CLOSING, "password": "not it at all"})
    assert wrong.status_code == 422 and "This is not your password." in wrong.text and "checked" in wrong.text
    assert people.fresh(user).status == UserStatus.ACTIVE


def test_the_only_owner_of_a_brand_stays(people: People) -> None:
    user = people.add(factor=True, role=Role.STAFF)
    with people.database.tenant(user.tenant_id) as session:
        session.add(StaffGrant(tenant_id=user.tenant_id, user_id=user.id, role="owner", at=people.clock.at))
    answer = submit(people.signed_in(user), "/account/close", CLOSING)
    assert answer.status_code == 422 and "only owner" in answer.text
    assert people.fresh(user).status == UserStatus.ACTIVE


def account_of(people: People, user: User, label: str) -> int:
    with people.database.tenant(user.tenant_id) as session:
        account = Account(
            tenant_id=user.tenant_id,
            user_id=user.id,
            venue="binance",
            environment="lab",
            label=label,
            shard="binance-lab:0",
            sealed_key=b"sealed",
        )
        session.add(account)
        session.flush()
        return account.id
