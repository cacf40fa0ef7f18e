"""Statements of one's own account and of a brand's people: who gets which, in which form, and what is recorded."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from account_people import Browser, People
from copydesk.identity import Role, User
from copydesk.identity.access.tables import StaffGrant
from site_seed import NOW

HERE = "/account/statements"


def reader(people: People, role: str) -> Browser:
    """Sign in somebody of staff who was granted a role."""
    user = people.add(role=Role.STAFF, factor=True)
    with people.database.tenant(user.tenant_id) as session:
        session.add(StaffGrant(tenant_id=user.tenant_id, user_id=user.id, role=role, at=NOW))
    return people.signed_in(user)


def since_january(people: People) -> User:
    user = people.add(factor=True)
    with people.database.tenant(user.tenant_id) as session:
        session.get_one(User, (user.tenant_id, user.id)).created_at = NOW.replace(month=1, day=20)
    return user


def test_the_page_lists_every_month_since_the_account_began(people: People) -> None:
    page = people.signed_in(since_january(people)).get(HERE).text
    assert re.findall(rf'href="{HERE}/([^"]+)\.pdf"', page) == ["2026-03", "2026-02", "2026-01", "2026", "2026-Q1"]
    assert "February 2026" in page and "not a tax document" in page


def test_two_days_lead_to_their_statement(people: People) -> None:
    browser = people.signed_in(people.add(factor=True))
    answer = browser.get(f"{HERE}?first=2026-02-01&last=2026-02-14&kind=summary.csv")
    assert (answer.status_code, answer.location) == (303, f"{HERE}/2026-02-01--2026-02-14.summary.csv")


@pytest.mark.parametrize("days", ["first=2026-02-14&last=2026-02-01", "first=x&last=2026-02-01", "first=2026-02-01"])
def test_days_that_make_no_period_are_asked_for_again(people: People, days: str) -> None:
    answer = people.signed_in(people.add(factor=True)).get(f"{HERE}?{days}")
    assert answer.status_code == 422 and "form-errors" in answer.text


@pytest.mark.parametrize(
    ("name", "kind"),
    [("2026-02.pdf", "application/pdf"), ("2026-02.csv", "text/csv"), ("2026-Q1.summary.csv", "text/csv")],
)
def test_a_statement_is_a_download_that_is_kept_nowhere_and_recorded(people: People, name: str, kind: str) -> None:
    user = people.add(factor=True)
    answer = people.signed_in(user).get(f"{HERE}/{name}")
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, kind, "no-store")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="aurora-statement-{user.id}-{name}"'
    assert people.acts("aurora", f"user:{user.id}")[-1] == "statement.taken"


def test_tables_begin_with_the_mark_of_spreadsheets_unless_it_is_not_wanted(people: People) -> None:
    browser = people.signed_in(people.add(factor=True))
    marked, bare = (browser.get(f"{HERE}/2026-02.csv{query}").data for query in ("", "?bom=0"))
    assert marked == b"\xef\xbb\xbf" + bare
    assert next(csv.reader(io.StringIO(bare.decode())))[0] == "time_utc"


@pytest.mark.parametrize(
    "name", ["2026-02", "2026-13.pdf", "2026-02.exe", "..%2F2026.pdf", "2026-02-30--2026-03-01.csv", "2027.pdf"]
)
def test_what_is_no_statement_is_not_found(people: People, name: str) -> None:
    assert people.signed_in(people.add(factor=True)).get(f"{HERE}/{name}").status_code == 404


def test_a_statement_asks_for_a_fresh_factor(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    people.set_session(user, stepped_up_at=people.clock.at.replace(year=2025))
    assert browser.get(f"{HERE}/2026-02.pdf").status_code == 303


def test_who_reads_finances_fetches_a_persons_statement_and_it_is_recorded(people: People) -> None:
    user = since_january(people)
    browser = reader(people, "auditor")
    there = f"/staff/users/{user.id}/statements"
    assert f'href="{there}"' in browser.get(f"/staff/users/{user.id}").text
    assert f'href="{there}/2026-02.pdf"' in browser.get(there).text
    answer = browser.get(f"{there}/2026-02.summary.csv")
    assert answer.status_code == 200 and answer.data.startswith(b"\xef\xbb\xbfof,number")
    assert people.acts("aurora", f"user:{user.id}")[-1] == "statement.read"


def test_who_does_not_read_finances_gets_none(people: People) -> None:
    user = people.add()
    browser = reader(people, "support")
    assert browser.get(f"/staff/users/{user.id}/statements/2026-02.pdf").status_code == 403
    assert f'href="/staff/users/{user.id}/statements"' not in browser.get(f"/staff/users/{user.id}").text


def test_a_program_reads_its_own_statement_as_json(people: People) -> None:
    user = people.add(factor=True)
    answer = people.signed_in(user).get("/api/v1/me/statement?period=2026-02")
    told = json.loads(answer.data)
    assert (told["user"], told["period"]["name"], told["subscriptions"]) == (user.id, "2026-02", [])
    assert answer.headers["Cache-Control"] == "no-store"
    assert people.acts("aurora", f"user:{user.id}")[-1] == "statement.taken"
