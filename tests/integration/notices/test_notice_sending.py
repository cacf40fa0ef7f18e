"""Notices on their way: stored first, then pushed, posted, told by a bot or mailed; and what the log says of each."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import time, timedelta
from socket import AF_INET, AddressFamily

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from copydesk.kernel import InvalidInput, NotFound
from copydesk.notices import Channel, DeliveryState, Digest, Event, Habit, NoticeKind, Reason
from copydesk.notices.carriers import Carriers
from copydesk.notices.channels.line import Line, NotPublic
from copydesk.notices.deliver import Sender
from copydesk.notices.delivery_log import log_of
from copydesk.notices.introduce import Introduction
from copydesk.notices.letters import notices_in
from copydesk.notices.outbox import TRIES_MAX, WAITS
from copydesk.notices.preferences import keep_habit
from copydesk.notices.reaching import (
    add_device,
    ask_for_test,
    begin_telegram,
    connect_webhook,
    connected,
    devices_of,
)
from copydesk.notices.store import note
from copydesk.notices.vapid import application_server_key
from copydesk.notifications import Bell, Kind, Letter, Mailer, Waiting
from copydesk.notifications.postman import Postman
from copydesk.notifications.smtp import SmtpMailer
from copydesk.tenancy import Smtp
from notice_site import BEGIN, NoticeSite, Plainly
from py_vapid import Vapid02  # type: ignore[import-untyped]
from tiny_services import Services, SoftBrowser, services
from tiny_smtp import TinySmtp, tiny_smtp

W, S, F = DeliveryState.WAITING, DeliveryState.SENT, DeliveryState.FAILED


@pytest.fixture(scope="module")
def serving() -> Iterator[Services]:
    with services() as running:
        yield running


@pytest.fixture
def outside(serving: Services) -> Services:
    """The other side, with nothing told yet."""
    serving.told.clear()
    serving.answers.clear()
    return serving


def sent(site: NoticeSite, outside: Services, *, words: bool = True) -> int:
    """Do a round, send what is due, and meet who opened the bot; return how many deliveries were sent."""

    async def send() -> int:
        line = Line(private=True, timeout_s=5)
        carriers = Carriers(line, site.clock, site, outside.url)
        parts = (site.db, site.seal, carriers)
        try:
            await Introduction(*parts, site.tenant, clock=site.clock).meet(site.tenant_id)
            sender = Sender(*parts, Plainly if words else None, site.tenant, clock=site.clock)
            return await sender.sweep(site.tenant_id)
        finally:
            await line.aclose()

    site.rounds.go(site.tenant_id)
    return asyncio.run(send())


def happens(site: NoticeSite, user_id: int, kind: NoticeKind = NoticeKind.OUT_OF_SYNC, key: str = "a") -> None:
    with site.db.tenant(site.tenant_id) as session:
        note(session, [Event(kind, user_id, site.clock.at, {"subscription_id": 3}, key)])


def browser(site: NoticeSite, user_id: int, outside: Services, path: str = "/push/1") -> SoftBrowser:
    soft = SoftBrowser(outside.url + path)
    with site.db.tenant(site.tenant_id) as session:
        how = {"name": "Phone", "at": site.clock.at, "devices_max": 2}
        add_device(session, site.seal, user_id, soft.subscription, private=True, **how)  # type: ignore[arg-type]
    return soft


def hook(site: NoticeSite, user_id: int, outside: Services) -> str:
    with site.db.tenant(site.tenant_id) as session:
        return connect_webhook(session, site.seal, user_id, f"{outside.url}/hook", at=site.clock.at, private=True)


def test_a_push_message_is_read_by_its_browser_alone_and_signed_by_the_brand(
    site: NoticeSite, outside: Services
) -> None:
    mara = site.person(locale="fr")
    mine = browser(site, mara, outside)
    happens(site, mara)
    assert sent(site, outside) == 1
    (told,) = outside.told
    message = mine.reads(told.body)
    assert (message["title"], message["tag"]) == ("out_of_sync fr", "out_of_sync-3")
    assert message["url"] == f"/n/{message['id']}"
    assert b"out_of_sync" not in told.body
    with pytest.raises(Exception, match="Decryption error"):
        SoftBrowser(outside.url).reads(told.body)
    assert (told.headers["Content-Encoding"], told.headers["TTL"], told.headers["Urgency"]) == (
        "aes128gcm",
        "43200",
        "normal",
    )
    assert len(told.headers["Topic"]) == 32
    with site.db.tenant(site.tenant_id) as session:
        assert f"k={application_server_key(session, site, 'aurora')}" in told.headers["Authorization"]
    assert Vapid02.verify(told.headers["Authorization"])
    assert (Channel.PUSH, S, None) in site.deliveries(mara)


def test_a_browser_that_is_gone_is_given_up_and_its_keys_erased(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    browser(site, mara, outside, "/push/gone")
    browser(site, mara, outside, "/push/there")
    outside.answers["/push/gone"] = [(410, b"")]
    happens(site, mara)
    assert sent(site, outside) == 1
    with site.db.tenant(site.tenant_id) as session:
        assert len(devices_of(session, mara)) == 1
    outside.answers["/push/there"] = [(404, b"")]
    happens(site, mara, key="b")
    assert sent(site, outside) == 0
    assert site.deliveries(mara)[-1] == (Channel.PUSH, F, Reason.GONE)
    happens(site, mara, key="c")
    assert sent(site, outside) == 0
    assert len([one for one in site.deliveries(mara) if one[0] is Channel.PUSH]) == 2


def test_a_webhook_is_signed_and_says_the_same_in_words_and_facts(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    secret = hook(site, mara, outside)
    happens(site, mara)
    assert sent(site, outside) == 1
    (told,) = outside.told
    signed_at, _, signature = told.headers["Webhook-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(secret.encode(), f"{signed_at}.".encode() + told.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signature, expected)
    assert int(signed_at) == int(site.clock.at.timestamp())
    body = json.loads(told.body)
    assert (body["kind"], body["facts"], body["title"]) == ("out_of_sync", {"subscription_id": 3}, "out_of_sync de")
    assert told.headers["Webhook-Delivery"] == str(body["id"])


def test_a_webhook_works_without_anybody_who_has_words(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    hook(site, mara, outside)
    happens(site, mara)
    assert sent(site, outside, words=False) == 1
    assert json.loads(outside.told[0].body)["title"] is None


def test_a_webhook_that_fails_is_tried_five_times_and_then_given_up(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    hook(site, mara, outside)
    outside.answers["/hook"] = [(503, b"")] * TRIES_MAX
    happens(site, mara)
    for wait in (*WAITS, timedelta(hours=1)):
        assert sent(site, outside) == 0
        site.clock.wait(seconds=wait.total_seconds())
    assert sent(site, outside) == 0
    assert len(outside.told) == TRIES_MAX
    with site.db.tenant(site.tenant_id) as session:
        (line,) = [one for one in log_of(session, mara) if one.channel is Channel.WEBHOOK]
        assert connected(session, site.seal, mara)[Channel.WEBHOOK].failing_since is not None
    assert (line.state, line.reason, line.answer, line.tries) == (F, Reason.GIVEN_UP, 503, TRIES_MAX)


def test_an_answer_that_is_lost_has_the_message_sent_again(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    with site.db.tenant(site.tenant_id) as session:
        connect_webhook(session, site.seal, mara, "http://127.0.0.1:9/nobody", at=BEGIN, private=True)
    happens(site, mara)
    assert sent(site, outside) == 0
    assert site.deliveries(mara)[-1] == (Channel.WEBHOOK, W, Reason.NO_ANSWER)
    hook(site, mara, outside)
    site.clock.wait(seconds=6)
    assert sent(site, outside) == 1


def test_a_test_message_shows_whether_a_webhook_works(site: NoticeSite, outside: Services) -> None:
    mara, jo = site.person(), site.person()
    hook(site, mara, outside)
    with site.db.tenant(site.tenant_id) as session:
        ask_for_test(session, mara, at=site.clock.at)
        with pytest.raises(NotFound):
            ask_for_test(session, jo, at=site.clock.at)
    assert sent(site, outside) == 1
    assert json.loads(outside.told[0].body)["kind"] == "test"
    with site.db.tenant(site.tenant_id) as session:
        assert [(one.kind, one.notice_id, one.state) for one in log_of(session, mara)] == [(None, 0, S)]


class Inside(AbstractResolver):
    """Say of every name that it leads outside, and to this machine besides."""

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=found, port=port, family=family, proto=0, flags=0)
            for found in ("1.1.1.1", "127.0.0.1")
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def test_a_name_that_leads_inside_is_not_connected_to() -> None:
    async def post(host: str) -> None:
        line = Line(timeout_s=5, names=Inside())
        try:
            await line.post(f"https://{host}/", b"", {})
        finally:
            await line.aclose()

    with pytest.raises(NotPublic):
        asyncio.run(post("hooks.example.com"))
    with pytest.raises(InvalidInput):
        asyncio.run(post("127.0.0.1"))


def test_a_chat_is_connected_by_a_code_that_works_once(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    site.said["notices.telegram_bot"] = "aurora_bot"
    site.secrets["telegram_bot_token"] = "7:token"
    with site.db.tenant(site.tenant_id) as session:
        code = begin_telegram(session, mara, at=site.clock.at)
        assert connected(session, site.seal, mara)[Channel.TELEGRAM].confirmed_at is None
    update = {"update_id": 5, "message": {"text": f"/start {code}", "chat": {"id": 42}}}
    outside.answers["/bot7:token/getUpdates"] = [(200, json.dumps({"ok": True, "result": [update]}).encode())]
    outside.otherwise = (200, b"{}")
    sent(site, outside)
    with site.db.tenant(site.tenant_id) as session:
        assert connected(session, site.seal, mara)[Channel.TELEGRAM].address == "42"
    happens(site, mara)
    assert sent(site, outside) == 1
    message = json.loads(outside.told[-1].body)
    assert (outside.told[-1].path, message["chat_id"]) == ("/bot7:token/sendMessage", "42")
    assert message["text"].startswith("out_of_sync de\ntold\nhttps://a.test/n/")
    # Nobody waits any more, so the bot was not asked again.
    assert [one.path for one in outside.told].count("/bot7:token/getUpdates") == 1


def test_a_chat_that_blocks_the_bot_is_forgotten(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    site.said["notices.telegram_bot"] = "aurora_bot"
    site.secrets["telegram_bot_token"] = "7:token"
    with site.db.tenant(site.tenant_id) as session:
        code = begin_telegram(session, mara, at=site.clock.at)
    update = {"update_id": 6, "message": {"text": f"/start {code}", "chat": {"id": 43}}}
    outside.answers["/bot7:token/getUpdates"] = [(200, json.dumps({"result": [update]}).encode())]
    outside.answers["/bot7:token/sendMessage"] = [(429, b'{"parameters": {"retry_after": 9}}'), (403, b"{}")]
    sent(site, outside)
    happens(site, mara)
    assert sent(site, outside) == 0
    assert site.deliveries(mara)[-1] == (Channel.TELEGRAM, W, Reason.BUSY)
    site.clock.wait(seconds=10)
    assert sent(site, outside) == 0
    assert site.deliveries(mara)[-1] == (Channel.TELEGRAM, F, Reason.GONE)
    with site.db.tenant(site.tenant_id) as session:
        assert Channel.TELEGRAM not in connected(session, site.seal, mara)


class Tells:
    """Write letters that say which notices they tell."""

    def write(self, waiting: Waiting) -> Letter:
        assert waiting.kind is Kind.NOTICE
        told = " ".join(f"{one.kind}:{one.facts['subscription_id']}" for one in notices_in(waiting.facts))
        return Letter(waiting.id, waiting.to, "A", "a@b.example", "News", told, told, "en", waiting.queued_at)


def mail(site: NoticeSite) -> list[str]:
    """Have a postman deliver everything that waits to a mail server, and return what arrived."""
    with tiny_smtp(TinySmtp()) as server:
        smtp = Smtp(host=server.host, port=server.port, security="none", **{"from": "a@b.example"})
        mailer: Mailer = SmtpMailer(smtp, None)
        brands = {"aurora": site.tenant_id}
        postman = Postman(site.db, site.seal, Tells(), lambda _: mailer, lambda: brands, clock=site.clock, bell=Bell())
        postman.sweep()
        return [message.decode() for message in server.messages]


def test_a_notice_reaches_the_mail_server_once(site: NoticeSite) -> None:
    mail(site)  # What other people were told.
    mara = site.person()
    happens(site, mara)
    assert site.rounds.go(site.tenant_id).letters == 1
    assert site.rounds.go(site.tenant_id).letters == 0
    (arrived,) = mail(site)
    assert "out_of_sync:3" in arrived
    assert site.deliveries(mara) == [(Channel.MAIL, S, None)]
    # Mail about notices is no news itself.
    assert len(site.notices(mara)) == 1


def test_a_digest_is_one_letter_of_all_that_came_since(site: NoticeSite) -> None:
    mail(site)  # What other people were told.
    mara = site.person()
    with site.db.tenant(site.tenant_id) as session:
        keep_habit(session, mara, Habit(Digest.HOURLY))
    for number in range(3):
        happens(site, mara, key=str(number))
        assert site.rounds.go(site.tenant_id).letters == 0
        site.clock.wait(minutes=5)
    assert set(site.deliveries(mara)) == {(Channel.MAIL, W, Reason.DIGEST)}
    site.clock.wait(hours=1)
    assert site.rounds.go(site.tenant_id).letters == 1
    (arrived,) = mail(site)
    assert arrived.count("out_of_sync:3") == 2 * 3
    assert set(site.deliveries(mara)) == {(Channel.MAIL, S, None)}


def test_quiet_hours_hold_mail_and_push_and_let_stops_through(site: NoticeSite, outside: Services) -> None:
    mara = site.person()
    browser(site, mara, outside)
    with site.db.tenant(site.tenant_id) as session:
        # Noon in UTC is one o'clock in the brand's own time zone, or two.
        keep_habit(session, mara, Habit(quiet_from=time(10), quiet_until=time(20)))
    happens(site, mara)
    happens(site, mara, NoticeKind.STOP_FIRED, "stop")
    assert sent(site, outside) == 1
    assert outside.told[0].headers["Urgency"] == "high"
    (waiting, _) = [one for one in site.deliveries(mara) if one[0] is Channel.PUSH]
    assert waiting == (Channel.PUSH, W, Reason.QUIET_HOURS)
    site.clock.wait(hours=10)
    assert sent(site, outside) == 1


def test_who_cannot_sign_in_or_has_no_address_is_not_written_to(site: NoticeSite) -> None:
    blocked, unproven = site.person(status="blocked"), site.person(email_verified_at=None)
    for who in (blocked, unproven):
        happens(site, who)
    assert site.rounds.go(site.tenant_id).letters == 0
    assert site.deliveries(blocked) == site.deliveries(unproven) == []


def test_what_is_found_a_day_late_stands_in_the_centre_and_wakes_nobody(site: NoticeSite) -> None:
    mara = site.person()
    happens(site, mara)
    site.clock.wait(days=1)
    site.rounds.go(site.tenant_id)
    assert len(site.notices(mara)) == 1
    assert site.deliveries(mara) == []
