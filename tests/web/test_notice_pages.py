"""The pages of notices: what one was told, how one wants to be told, and where; nobody else's is ever there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from copydesk.notices import Channel, Digest, Event, NoticeKind, Reason
from copydesk.notices.preferences import habit_of, wishes_of
from copydesk.notices.reaching import connected, devices_of
from copydesk.notices.store import PAGE_ROWS, note, unread
from copydesk.notices.tables import NoticeDelivery
from copydesk.web.database import db
from factor_site import FactorSite, Visit
from form_posts import token_in
from site_seed import NOW
from werkzeug.test import TestResponse

K = NoticeKind
CLOSED = {"strategy": "Dawn Runner", "symbol": "BTC/USDT", "qty": "0.004", "px": "64214", "result": "3.1"}
POINT = base64.urlsafe_b64encode(b"\x04" + bytes(64)).decode().rstrip("=")
AUTH = base64.urlsafe_b64encode(bytes(16)).decode().rstrip("=")
PUSH = {"endpoint": "https://push.example.com/send/1", "keys": {"p256dh": POINT, "auth": AUTH}}
HOOK = "https://hooks.example.com/notices"


def tell(site: FactorSite, person: Visit, *kinds: NoticeKind, hours: int = 0) -> list[int]:
    """Store notices as others would, and return their numbers."""
    with site.runtime.database.tenant(site.tenant_id) as session:
        known = unread(session, person.user_id)
        events = [
            Event(kind, person.user_id, NOW - timedelta(hours=hours), CLOSED if kind is K.COPY_CLOSED else {}, key)
            for number, kind in enumerate(kinds)
            for key in [f"{hours}/{known}/{number}"]
        ]
        return [one.id for one in note(session, events)]


def text_of(page: TestResponse) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))).replace("\u00a0", " ")


def send_json(person: Visit, path: str, told: object) -> TestResponse:
    token = token_in(person.get("/notices/settings").text)
    return person.post(path, json=told, headers={"X-CSRF-Token": token})


def test_an_empty_centre_says_what_will_appear(site: FactorSite) -> None:
    page = text_of(site.member().get("/notices"))
    assert "Nothing to tell yet" in page
    assert "Mark all as read" not in page


def test_the_centre_shows_what_was_told_by_days_the_newest_first(site: FactorSite) -> None:
    person = site.member()
    tell(site, person, K.OUT_OF_SYNC, hours=30)
    tell(site, person, K.COPY_CLOSED)
    page = text_of(person.get("/notices"))
    assert page.index("Mar 1, 2026") < page.index("Closed 0.004 BTC/USDT at 64,214.00: +3.10") < page.index("Feb 28")
    assert page.index("Feb 28") < page.index("Out of sync: ")
    assert person.get("/notices/now").text.lstrip().startswith('<div class="notices">')


def test_the_bell_counts_what_is_unread_until_it_is_read(site: FactorSite) -> None:
    person = site.member()
    first, second, _ = tell(site, person, K.COPY_CLOSED, K.COPY_CLOSED, K.SECURITY)
    assert "Notices: 3 unread" in text_of(person.get("/account"))
    assert "3 unread" in text_of(person.get("/notices/bell"))
    assert person.send(f"/notices/{second}/read", page="/notices").status_code == 303
    assert "Notices: 2 unread" in text_of(person.get("/account"))
    assert person.send("/notices/read", page="/notices", until=str(second)).status_code == 303
    assert "Notices: 1 unread" in text_of(person.get("/account"))
    assert person.send("/notices/read", page="/notices").status_code == 303
    assert "unread" not in text_of(person.get("/notices"))
    assert first < second


def test_a_kind_alone_can_be_looked_at_and_stays_chosen(site: FactorSite) -> None:
    person = site.member()
    tell(site, person, K.COPY_CLOSED, K.SECURITY)
    page = person.get("/notices?kind=security")
    assert "Something in your account was changed" in text_of(page)
    assert "64,214" not in page.text
    assert 'data-live="/notices/now?kind=security"' in page.text
    assert person.send("/notices/read", page="/notices?kind=security", kind="security").location.endswith(
        "?kind=security"
    )
    assert "None of this kind" in text_of(person.get("/notices?kind=announcement"))
    assert "64,214" in person.get("/notices?kind=nothing-known").text


def test_older_notices_are_on_pages_of_their_own(site: FactorSite) -> None:
    person = site.member()
    numbers = tell(site, person, *[K.COPY_CLOSED] * (PAGE_ROWS + 3))
    first = person.get("/notices").text
    assert first.count('class="told ') == PAGE_ROWS
    older = re.search(r'href="(/notices\?before=\d+)"', first)
    assert older is not None
    second = person.get(older[1]).text
    assert second.count('class="told ') == 3
    assert f"/notices/{numbers[0]}/read" in second
    assert person.get("/notices?before=x").text.count('class="told ') == PAGE_ROWS


def test_somebody_elses_notice_and_device_do_not_exist(site: FactorSite) -> None:
    owner, other = site.member(), site.member()
    (notice_id,) = tell(site, owner, K.COPY_CLOSED)
    device_id = send_json(owner, "/notices/devices", PUSH).json["id"]
    assert other.send(f"/notices/{notice_id}/read", page="/notices").status_code == 404
    assert other.send(f"/notices/devices/{device_id}/remove", page="/notices").status_code == 404
    assert other.send(f"/notices/{2**63}/read", page="/notices").status_code == 404
    assert "64,214" not in other.get("/notices").text
    assert send_json(other, "/notices/devices/forget", PUSH).json == {"removed": False}
    with site.runtime.database.tenant(site.tenant_id) as session:
        assert unread(session, owner.user_id) == 1
        assert len(devices_of(session, owner.user_id)) == 1


def test_switches_summaries_and_quiet_hours_are_kept_together(site: FactorSite) -> None:
    person = site.member()
    fields = {"wish:copy_skipped:mail": "yes", "digest": "daily", "quiet_from": "22:30", "quiet_until": "07:00"}
    answer = person.send("/notices/settings", **fields)
    assert answer.status_code == 303
    page = person.get(answer.location)
    assert "You are told in this way from now on" in page.text
    assert 'name="wish:copy_skipped:mail" value="yes" checked' in page.text
    assert 'value="22:30"' in page.text
    with site.runtime.database.tenant(site.tenant_id) as session:
        wishes, habit = wishes_of(session, person.user_id), habit_of(session, person.user_id)
    assert wishes.wants(K.COPY_SKIPPED, Channel.MAIL)
    assert not wishes.wants(K.ANNOUNCEMENT, Channel.MAIL)
    assert wishes.wants(K.STOP_FIRED, Channel.MAIL)
    assert wishes.wants(K.ANNOUNCEMENT, Channel.TELEGRAM)
    assert (habit.digest, str(habit.quiet_from), str(habit.quiet_until)) == (Digest.DAILY, "22:30:00", "07:00:00")


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "quiet_from", "a time such as 22:30 is expected"),
        ({"quiet_from": "22:00"}, "quiet_until", "enter both times, or none"),
        ({"digest": "yearly"}, "digest", "choose one of the three"),
    ],
)
def test_a_bad_setting_keeps_the_form_and_names_the_field(
    site: FactorSite, fields: dict[str, str], field: str, sentence: str
) -> None:
    person = site.member()
    answer = person.send("/notices/settings", **{"wish:copy_skipped:mail": "yes", **fields})
    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text and sentence in answer.text
    assert 'name="wish:copy_skipped:mail" value="yes" checked' in answer.text
    for name, value in fields.items():
        assert name == "digest" or f'name="{name}" type="time" value="{value}"' in answer.text


def test_what_always_comes_has_no_switch_and_the_page_says_so(site: FactorSite) -> None:
    page = site.member().get("/notices/settings").text
    assert "wish:stop_fired:mail" not in page
    assert "wish:security:mail" not in page
    assert "Stops that fire and the security of your account are always told at once." in page


def test_a_browser_adds_itself_once_and_is_taken_off_by_its_owner(site: FactorSite) -> None:
    person = site.member()
    assert send_json(person, "/notices/devices", PUSH).status_code == 201
    again = send_json(person, "/notices/devices", PUSH)
    page = person.get("/notices/settings").text
    assert page.count("/remove") == 1
    assert re.search(r'data-push data-key="[\w-]{80,}"', page)
    assert person.send(f"/notices/devices/{again.json['id']}/remove", page="/notices/settings").status_code == 303
    assert "No browser of yours takes messages yet." in person.get("/notices/settings").text


@pytest.mark.parametrize(
    "told",
    [None, [], {}, {**PUSH, "endpoint": "http://push.example.com/1"}, {**PUSH, "keys": {"p256dh": "x", "auth": AUTH}}],
    ids=["no JSON", "a list", "empty", "without TLS", "no key"],
)
def test_what_is_no_subscription_is_refused_in_a_sentence(site: FactorSite, told: object) -> None:
    answer = send_json(site.member(), "/notices/devices", told)
    assert answer.status_code == 422
    assert answer.json["error"].startswith("This browser did not say")


def test_a_script_without_the_pages_token_is_refused(site: FactorSite) -> None:
    person = site.member()
    assert person.post("/notices/devices", json=PUSH).status_code == 403
    assert person.post("/notices/devices/forget", json=PUSH).status_code == 403


def test_a_webhook_is_connected_with_a_secret_that_is_shown_once(site: FactorSite) -> None:
    person = site.member()
    shown = person.send("/notices/webhook", page="/notices/settings", url=HOOK)
    secret = re.search(r"whsec_[\w-]+", shown.text)
    assert shown.status_code == 200 and secret is not None
    settings = person.get("/notices/settings").text
    assert HOOK in settings and secret[0] not in settings
    assert person.send("/notices/webhook/test", page="/notices/settings").status_code == 303
    assert "Test message" in text_of(person.get("/notices/log"))
    assert person.send("/notices/webhook/disconnect", page="/notices/settings").status_code == 303
    with site.runtime.database.tenant(site.tenant_id) as session:
        assert connected(session, site.runtime.identity_vault, person.user_id) == {}
    assert person.send("/notices/webhook/test", page="/notices/settings").status_code == 404


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "Address: enter where messages are to be sent"),
        ("http://hooks.example.com/x", "https:// with a name"),
        ("https://127.0.0.1/x", "one in the public internet is expected"),
        ("https://me:secret@hooks.example.com/x", "https:// with a name"),
    ],
)
def test_an_address_that_leads_nowhere_keeps_the_form_and_says_what_to_do(
    site: FactorSite, url: str, sentence: str
) -> None:
    answer = site.member().send("/notices/webhook", page="/notices/settings", url=url)
    assert answer.status_code == 422
    assert 'id="error-url"' in answer.text and sentence in answer.text
    assert f'name="url" type="url" value="{url}"' in answer.text


def test_telegram_is_there_only_where_the_brand_has_a_bot(site: FactorSite) -> None:
    person = site.member()
    assert "Telegram" not in person.get("/notices/settings").text
    assert person.send("/notices/telegram", page="/notices/settings").status_code == 404


def test_the_log_says_what_was_sent_where_and_why_not(site: FactorSite) -> None:
    person = site.member()
    (notice_id,) = tell(site, person, K.STOP_FIRED)
    assert "Nothing was sent yet" in text_of(person.get("/notices/log"))
    with site.runtime.database.tenant(site.tenant_id) as session:
        for channel, state, reason, answer in (
            (Channel.PUSH, "failed", Reason.GONE, 410),
            (Channel.MAIL, "waiting", Reason.DIGEST, None),
            (Channel.WEBHOOK, "sent", None, 200),
        ):
            facts = {"notice_id": notice_id, "user_id": person.user_id, "channel": channel, "state": state}
            times = {"made_at": NOW, "due_at": NOW, "sent_at": NOW if state == "sent" else None}
            row = NoticeDelivery(tenant_id=site.tenant_id, reason=reason, answer=answer, **facts, **times)
            session.add(row)
    page = text_of(person.get("/notices/log"))
    assert "Stop fired Push" in page
    assert "The device or chat does not take messages any more. It answered 410." in page
    assert "It comes with your next summary." in page
    assert "It answered 200" not in page


def test_the_bell_costs_a_page_one_count_and_a_stranger_none(site: FactorSite, counted: list[str]) -> None:
    person = site.member()
    person.get("/account")
    counted.clear()
    person.get("/account")
    assert sum("FROM notice" in one for one in counted) == 1
    person.delete_cookie("session", domain=person.host)
    counted.clear()
    assert "bell" not in person.get("/").text.partition("</header>")[0].partition("<header")[2]
    assert not any("FROM notice" in one for one in counted)


@pytest.fixture
def counted(site: FactorSite) -> Iterator[list[str]]:
    """Every statement that the application sends."""
    from sqlalchemy import event

    seen: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(" ".join(statement.split()))

    with site.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    yield seen
    event.remove(engine, "before_cursor_execute", listen)
