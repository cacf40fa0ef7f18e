"""What others store becomes notices of those whom it concerns: each once, whatever is looked at twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from copydesk.db import TenantSession
from copydesk.kernel import NotFound
from copydesk.notices import Event, NoticeKind
from copydesk.notices.collect import Collector
from copydesk.notices.cursor import SETTLED_AFTER
from copydesk.notices.store import forget_old, mark_read, note, notice_of, notices_of, unread
from copydesk.notifications import Kind, queue_mail
from copydesk.replication.strategy_news import NewsKind, tell_news
from copydesk.replication.tables import Copy, Strategy, Subscription
from copydesk.risk.acts import Act, ActState, store_acts
from copydesk.studio.tables import AnnouncementRow, Watch
from notice_site import BEGIN, SPOT, D, Follower, NoticeSite
from sqlalchemy import update


def stored(site: NoticeSite, row: object) -> None:
    with site.db.tenant(site.tenant_id) as session:
        session.add(row)


def act(site: NoticeSite, state: ActState, **columns: Any) -> Act:
    told = {"scope": "subscription", "subject_id": 1, "subscription_id": None} | columns
    facts = {"now": "88.5", "at": "90", "turn": 1}
    line = "drawdown > 10 % of equity -> close_and_disarm"
    return Act(
        f"{state}-{site.strategy.id}-{told}",
        line=line,
        action="close_and_disarm",
        state=state,
        facts=facts,
        at=BEGIN,
        **told,
    )  # type: ignore[arg-type]


def test_a_copy_that_was_filled_is_told_to_its_owner_once(site: NoticeSite) -> None:
    mara, other = site.follower(), site.follower()
    copy_id = site.copy(mara)
    site.rounds.go(site.tenant_id)
    site.rounds.go(site.tenant_id)
    ((kind, facts),) = site.told(mara.user_id)
    assert kind == "copy_opened"
    assert facts["copy_id"] == copy_id
    assert (facts["symbol"], facts["qty"], facts["px"], facts["currency"]) == (SPOT, "0.004", "60000", "USDT")
    assert (facts["strategy"], facts["subscription_id"]) == ("Dawn", mara.subscription_id)
    assert site.told(other.user_id) == []


def test_another_process_that_looks_too_tells_nothing_twice(site: NoticeSite) -> None:
    mara = site.follower()
    site.copy(mara)
    assert site.rounds.go(site.tenant_id).stored == 1
    assert Collector(site.db).look(site.tenant_id, site.clock.now()) == 0
    assert len(site.notices(mara.user_id)) == 1


def test_a_close_says_what_it_has_earned_after_fees(site: NoticeSite) -> None:
    mara = site.follower()
    site.copy(mara)
    site.copy(mara, leg="close", side="sell", reduces=True, avg_px=D(61_000))
    site.rounds.go(site.tenant_id)
    assert [kind for kind, _ in site.told(mara.user_id)] == ["copy_opened", "copy_closed"]
    assert site.told(mara.user_id)[1][1]["result"] == "3.9"


def test_a_copy_under_way_is_told_when_it_ends_however_long_that_takes(site: NoticeSite) -> None:
    mara = site.follower()
    copy_id = site.copy(mara, status="accepted", cum_qty=D(0), avg_px=None)
    site.rounds.go(site.tenant_id)
    site.clock.wait(days=3)
    assert site.rounds.go(site.tenant_id).stored == 0
    with site.db.tenant(site.tenant_id) as session:
        ended = {"status": "filled", "cum_qty": D("0.004"), "avg_px": D(59_000)}
        session.execute(update(Copy).where(Copy.id == copy_id).values(**ended))
    assert site.rounds.go(site.tenant_id).stored == 1
    assert site.told(mara.user_id)[0][1]["px"] == "59000"


def test_a_skipped_copy_says_why_with_what_its_sentence_needs(site: NoticeSite) -> None:
    mara = site.follower()
    facts = {"minimum": "10", "copy_id": "not ours to overwrite"}
    site.copy(mara, status="denied", cum_qty=D(0), avg_px=None, reason="below_notional_min", reason_facts=facts)
    site.copy(mara, status="canceled", cum_qty=D(0), avg_px=None, leg="fix-1")
    site.rounds.go(site.tenant_id)
    ((kind, told),) = site.told(mara.user_id)
    assert (kind, told["reason"], told["minimum"]) == ("copy_skipped", "below_notional_min", "10")
    assert isinstance(told["copy_id"], int)


def test_a_stop_and_a_warning_are_told_to_whom_they_are_about(site: NoticeSite) -> None:
    mara, jo = site.follower(), site.follower()
    acts = [
        act(site, ActState.FIRING, subject_id=mara.subscription_id, subscription_id=mara.subscription_id),
        act(site, ActState.WARNED, subject_id=mara.subscription_id, subscription_id=mara.subscription_id),
        act(site, ActState.CLOSING, scope="account", subject_id=jo.account_id),
        act(site, ActState.WARNED, scope="strategy", subject_id=site.strategy.id),
    ]
    with site.db.tenant(site.tenant_id) as session:
        store_acts(session, acts)
    site.rounds.go(site.tenant_id)
    assert [kind for kind, _ in site.told(mara.user_id)] == ["stop_fired", "drawdown_warning"]
    assert [kind for kind, _ in site.told(jo.user_id)] == ["stop_fired"]
    assert site.told(mara.user_id)[0][1]["now"] == "88.5"
    assert "strategy" not in site.told(jo.user_id)[0][1]


def test_margin_that_a_leader_adds_is_told_to_those_who_hold_the_same(site: NoticeSite) -> None:
    mara, jo = site.follower(), site.follower()
    perpetual = "BTC/USDT:USDT"
    site.book(mara, perpetual, "0.1")
    with site.db.tenant(site.tenant_id) as session:
        for amount in ("50", "-20"):
            facts = {"position_side": "net", "amount": amount, "margin": "150", "currency": "USDT"}
            tell_news(session, site.strategy.id, NewsKind.MARGIN, perpetual, facts, BEGIN)
    site.rounds.go(site.tenant_id)
    ((kind, facts),) = site.told(mara.user_id)
    assert (kind, facts["amount"], facts["margin"]) == ("margin_topup", "50", "150")
    assert site.told(jo.user_id) == []


def set_state(session: TenantSession, whose: Follower, state: str) -> None:
    session.execute(update(Subscription).where(Subscription.id == whose.subscription_id).values(state=state))


def test_a_subscription_out_of_sync_is_told_each_time_it_comes_to_be(site: NoticeSite) -> None:
    mara = site.follower()
    for state in ("out_of_sync", "out_of_sync", "synced", "out_of_sync"):
        with site.db.tenant(site.tenant_id) as session:
            set_state(session, mara, state)
        site.rounds.go(site.tenant_id)
    assert [kind for kind, _ in site.told(mara.user_id)] == ["out_of_sync", "out_of_sync"]


def test_a_strategy_that_stops_is_told_to_its_followers_with_what_it_is_now(site: NoticeSite) -> None:
    mara, gone = site.follower(), site.follower()
    with site.db.tenant(site.tenant_id) as session:
        set_state(session, gone, "ended")
    for status in ("paused", "suspended", "live"):
        with site.db.tenant(site.tenant_id) as session:
            session.execute(update(Strategy).where(Strategy.id == site.strategy.id).values(status=status))
        site.rounds.go(site.tenant_id)
    assert [(kind, facts["status"]) for kind, facts in site.told(mara.user_id)] == [
        ("strategy_paused", "paused"),
        ("strategy_paused", "suspended"),
    ]
    assert site.told(gone.user_id) == []


def mailed(site: NoticeSite, to: str, kind: Kind, **facts: str) -> None:
    with site.db.tenant(site.tenant_id) as session:
        told = {"link": "/account/security", **facts}
        queue_mail(session, site.tenant_id, site.seal, to=to, kind=kind, locale="", facts=told, at=site.clock.at)


def test_mail_about_sign_ins_and_keys_stands_in_the_centre_besides_and_is_not_mailed_again(site: NoticeSite) -> None:
    mara = site.follower()
    mailed(site, mara.email, Kind.PASSWORD_CHANGED, at=BEGIN.isoformat(), ip="203.0.113.7")
    mailed(site, mara.email, Kind.KEY_EXPIRES, exchange="binance", label="Main", days="7")
    mailed(site, mara.email, Kind.STAFF_CHANGED, who="jo@example.com")
    mailed(site, mara.email, Kind.RESET_PASSWORD)
    site.rounds.go(site.tenant_id)
    assert [(kind, facts["what"]) for kind, facts in site.told(mara.user_id)] == [
        ("security", "password_changed"),
        ("key_problem", "key_expires"),
    ]
    assert "link" not in site.told(mara.user_id)[0][1]
    assert site.deliveries(mara.user_id) == []


def test_watchers_hear_of_opens_turns_and_closes_and_of_nothing_between(site: NoticeSite) -> None:
    watcher, late = site.person(), site.person()
    for who, since in ((watcher, BEGIN - timedelta(days=1)), (late, BEGIN + timedelta(days=1))):
        stored(site, Watch(tenant_id=site.tenant_id, user_id=who, strategy_id=site.strategy.id, since=since))
    for before, after in (("0", "1"), ("1", "2"), ("2", "-1"), ("-1", "0")):
        site.signal(before, after)
    site.rounds.go(site.tenant_id)
    assert [kind for kind, _ in site.told(watcher)] == ["trader_opened", "trader_opened", "trader_closed"]
    assert "qty" not in site.told(watcher)[0][1]
    assert site.told(late) == []


def test_an_announcement_goes_to_those_who_watch_or_copy_once_each(site: NoticeSite) -> None:
    mara, watcher = site.follower(), site.person()
    for who in (mara.user_id, watcher):
        stored(site, Watch(tenant_id=site.tenant_id, user_id=who, strategy_id=site.strategy.id))
    stored(site, AnnouncementRow(tenant_id=site.tenant_id, strategy_id=site.strategy.id, body="I rest.", at=BEGIN))
    site.rounds.go(site.tenant_id)
    assert [facts["body"] for _, facts in site.told(mara.user_id)] == ["I rest."]
    assert len(site.told(watcher)) == 1


def test_a_row_that_is_seen_after_a_younger_one_is_not_missed(site: NoticeSite) -> None:
    mara = site.follower()
    signal_id = site.signal("0", "1")
    open_session = site.db.tenant(site.tenant_id)
    with open_session as slow:
        slow.add(_copy_row(site, mara, signal_id, number=1))
        slow.flush()
        site.copy(mara, signal_id=signal_id, leg="fix-1")
        assert site.rounds.go(site.tenant_id).stored == 1
    assert site.rounds.go(site.tenant_id).stored == 1
    site.clock.wait(seconds=SETTLED_AFTER.total_seconds() + 1)
    assert site.rounds.go(site.tenant_id).stored == 0


def _copy_row(site: NoticeSite, whose: Follower, signal_id: int, *, number: int) -> Copy:
    return Copy(
        tenant_id=site.tenant_id,
        subscription_id=whose.subscription_id,
        signal_id=signal_id,
        account_id=whose.account_id,
        shard="binance-lab:0",
        leg="open",
        symbol=SPOT,
        side="buy",
        type="market",
        qty=D(1),
        reduces=False,
        client_order_id=f"slow{number}",
        status="filled",
        epoch=1,
        cum_qty=D(1),
        avg_px=D(60_000),
        planned_at=site.clock.at,
    )


def test_what_is_told_in_somebodys_own_transaction_is_known_by_its_key(site: NoticeSite) -> None:
    mara = site.person()
    event = Event(NoticeKind.ANNOUNCEMENT, mara, BEGIN, {"body": "Hello", "slug": None}, "hello")
    with site.db.tenant(site.tenant_id) as session:
        assert [one.facts for one in note(session, [event, event])] == [{"body": "Hello"}]
        assert note(session, [event]) == []


def test_notices_are_read_page_by_page_and_only_by_their_owner(site: NoticeSite) -> None:
    mara, jo = site.person(), site.person()
    events = [Event(NoticeKind.OUT_OF_SYNC, mara, BEGIN, {}, f"key {number}") for number in range(5)]
    with site.db.tenant(site.tenant_id) as session:
        ids = [one.id for one in note(session, events)]
        assert unread(session, mara) == 5
        page = notices_of(session, mara, most=2)
        assert [one.id for one in page] == ids[:2:-1]
        assert [one.id for one in notices_of(session, mara, before_id=page[-1].id, most=2)] == [ids[2], ids[1]]
        assert notices_of(session, mara, kinds=[NoticeKind.SECURITY]) == []
        assert mark_read(session, jo, at=BEGIN) == 0
        assert mark_read(session, mara, at=BEGIN, until_id=ids[1]) == 2
        assert mark_read(session, mara, at=BEGIN, only_id=ids[4]) == 1
        assert unread(session, mara) == 2
        assert notice_of(session, mara, ids[0]).read_at == BEGIN
        with pytest.raises(NotFound):
            notice_of(session, jo, ids[0])


def test_notices_are_forgotten_after_the_time_that_a_brand_keeps_them(site: NoticeSite) -> None:
    mara = site.follower()
    site.copy(mara)
    site.rounds.go(site.tenant_id)
    with site.db.tenant(site.tenant_id) as session:
        assert forget_old(session, now=BEGIN + timedelta(days=89), kept=timedelta(days=90)) == 0
    site.clock.wait(days=91)
    assert site.rounds.forget(site.tenant_id) >= 1
    assert site.notices(mara.user_id) == []
