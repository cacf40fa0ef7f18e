"""How people say how they want to be told, and where: switches, quiet hours, devices and addresses of their own."""

from __future__ import annotations

from datetime import time

import pytest
from copydesk.kernel import InvalidInput, NotFound
from copydesk.notices import Channel, Digest, Habit, NoticeKind
from copydesk.notices.leaving import forget_reader
from copydesk.notices.preferences import habit_of, keep_habit, set_wishes, wishes_of
from copydesk.notices.reaching import (
    Browser,
    add_device,
    connect_webhook,
    connected,
    devices_of,
    disconnect,
    remove_browser,
    remove_device,
)
from notice_site import BEGIN, NoticeSite
from tiny_services import SoftBrowser


def browser(site: NoticeSite, user_id: int, path: str) -> SoftBrowser:
    soft = SoftBrowser(f"https://push.example.com{path}")
    with site.db.tenant(site.tenant_id) as session:
        add_device(session, site.seal, user_id, soft.subscription, name="Phone", at=site.clock.at, devices_max=2)
    return soft


def test_switches_are_kept_only_where_they_differ_from_the_default(site: NoticeSite) -> None:
    mara = site.person()
    wanted = {(kind, channel): False for kind in NoticeKind for channel in Channel}
    with site.db.tenant(site.tenant_id) as session:
        set_wishes(session, mara, wanted | {(NoticeKind.COPY_SKIPPED, Channel.PUSH): True})
        kept = wishes_of(session, mara)
        assert kept.wants(NoticeKind.COPY_SKIPPED, Channel.PUSH)
        assert not kept.wants(NoticeKind.OUT_OF_SYNC, Channel.MAIL)
        assert kept.wants(NoticeKind.STOP_FIRED, Channel.MAIL)
        assert (NoticeKind.COPY_SKIPPED, Channel.MAIL) not in kept.said
        keep_habit(session, mara, Habit(Digest.DAILY, time(22), time(6, 30)))
        keep_habit(session, mara, Habit(Digest.NONE, time(23), time(6, 30)))
        assert habit_of(session, mara) == Habit(Digest.NONE, time(23), time(6, 30))


def test_devices_are_ones_own_and_the_oldest_makes_room(site: NoticeSite) -> None:
    mara, jo = site.person(), site.person()
    first = browser(site, mara, "/push/a")
    for path in ("/push/b", "/push/c"):
        site.clock.wait(minutes=1)
        browser(site, mara, path)
    with site.db.tenant(site.tenant_id) as session:
        newest, older = devices_of(session, mara)
        assert not remove_browser(session, mara, first.subscription.endpoint)
        with pytest.raises(NotFound):
            remove_device(session, jo, newest.id)
        remove_device(session, mara, newest.id)
        assert devices_of(session, mara) == [older]
        forget_reader(session, mara)
        assert devices_of(session, mara) == []


@pytest.mark.parametrize(("p256dh", "auth"), [("", ""), ("A" * 87, "A" * 22), ("B" + "A" * 86, "A"), ("*", "A" * 22)])
def test_keys_that_no_browser_gave_are_refused(site: NoticeSite, p256dh: str, auth: str) -> None:
    told = Browser("https://push.example.com/1", p256dh, auth)
    with site.db.tenant(site.tenant_id) as session, pytest.raises(InvalidInput, match="keys of a browser"):
        add_device(session, site.seal, 1, told, name="x", at=BEGIN, devices_max=1)


def test_a_webhook_may_not_lead_inside_and_disconnecting_ends_it(site: NoticeSite) -> None:
    mara = site.person()
    with site.db.tenant(site.tenant_id) as session:
        with pytest.raises(InvalidInput):
            connect_webhook(session, site.seal, mara, "https://192.168.0.1/hook", at=BEGIN)
        connect_webhook(session, site.seal, mara, "https://hooks.example.com/a", at=BEGIN)
        assert connected(session, site.seal, mara)[Channel.WEBHOOK].address == "https://hooks.example.com/a"
        assert disconnect(session, mara, Channel.WEBHOOK)
        assert not disconnect(session, mara, Channel.WEBHOOK)
