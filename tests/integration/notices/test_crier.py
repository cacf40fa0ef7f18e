"""The crier of the worker: what others announce on Redis is told within moments, and what they do not soon after."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.bootstrap import Runtime, desk_channel
from copydesk.kernel import SystemClock, utc_now
from copydesk.marks import MarkWriter, epoch_ms
from copydesk.notices import Event, NoticeKind
from copydesk.notices.store import note
from copydesk.notifications import Bell
from copydesk.notifications.far_bell import FarBell, ring_far
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.venues import Price
from copydesk.workers.crier import TICK_S, Crier, heard
from notice_site import SPOT, Hands, NoticeSite, Plainly
from redis import Redis
from redis.client import PubSub

_PATIENCE_S = 20.0


@pytest.fixture
def runtime(shipped_brands: Path) -> Iterator[Runtime]:
    assert shipped_brands
    runtime = Runtime(opens_exchange_keys=False)
    yield runtime
    runtime.close()


@pytest.fixture
def desk(runtime: Runtime) -> NoticeSite:
    """The same brand, at the time that it is."""
    tenant_id = runtime.tenant_ids["aurora"]
    site = NoticeSite(runtime.db, clock=Hands(utc_now()))
    assert site.tenant_id == tenant_id
    assert site.strategy.id
    return site


@pytest.fixture
def crier(runtime: Runtime, desk: NoticeSite) -> Iterator[Crier]:
    crier = Crier(runtime, SystemClock(), Plainly)
    crier.go(desk.tenant_id)  # What was before is history.
    crier.start()
    assert crier.listening.wait(_PATIENCE_S)
    yield crier
    crier.close()


def next_notice(channel: PubSub) -> int:
    """Return whose open pages are told of a notice next."""
    while message := channel.get_message(timeout=_PATIENCE_S):
        if message["type"] == "message":
            told = json.loads(message["data"])
            if told["type"] == "notice":
                return int(told["user_id"])
    raise AssertionError("nobody was told anything")


def test_what_replication_announces_is_told_to_open_pages_and_what_nobody_does_at_the_next_tick(
    crier: Crier, desk: NoticeSite, redis_url: str
) -> None:
    assert crier.brands
    mara, jo = desk.follower(), desk.follower()
    with closing(Redis.from_url(redis_url)) as redis, redis.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(desk_channel(desk.tenant_id))
        signal_id = desk.signal("0", "1")
        desk.copy(mara, signal_id=signal_id)
        redis.publish(desk_channel(desk.tenant_id), json.dumps({"type": "copies", "signal_id": signal_id}))
        assert next_notice(channel) == mara.user_id
        with desk.db.tenant(desk.tenant_id) as session:
            note(session, [Event(NoticeKind.OUT_OF_SYNC, jo.user_id, utc_now(), {}, "quiet")])
        assert next_notice(channel) == jo.user_id
    assert [kind for kind, _ in desk.told(mara.user_id)] == ["copy_opened"]
    assert [state for _, state, _ in desk.deliveries(jo.user_id)] == ["sent"]


def test_who_comes_near_a_stop_at_the_prices_of_now_is_warned(runtime: Runtime, desk: NoticeSite) -> None:
    mara = desk.follower()
    desk.book(mara, SPOT, "0.01", cost="600", cash="-600")
    with desk.db.tenant(desk.tenant_id) as session:
        owner = LimitOwner(Scope.SUBSCRIPTION, mara.subscription_id)
        store_limits(session, owner, ["drawdown > 10 % of equity -> close_and_disarm"], "me")
    MarkWriter(runtime.redis, "binance-lab").write([Price(SPOT, Decimal(55_500), epoch_ms())])
    crier = Crier(runtime, SystemClock(), Plainly)
    with closing(Redis.from_url(runtime.require("REDIS_URL"))) as redis, redis.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(desk_channel(desk.tenant_id))
        crier.start()
        assert next_notice(channel) == mara.user_id
        crier.close()
    ((kind, facts),) = desk.told(mara.user_id)
    assert (kind, facts["used"]) == ("drawdown_warning", 90)


def test_mail_that_another_process_stored_rings_here(redis_url: str) -> None:
    bell = Bell()
    far = FarBell(redis_url, bell)
    far.start()
    try:
        assert far.listening.wait(_PATIENCE_S)
        with closing(Redis.from_url(redis_url)) as redis:
            ring_far(redis)
        assert bell.wait(_PATIENCE_S)
    finally:
        far.close()
    assert "far-bell" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (b'{"type": "copies", "signal_id": 4}', 7),
        (b'{"type": "notice", "user_id": 4}', None),
        (b'{"type": "figures"}', None),
        (b"[]", None),
        (b"nonsense", None),
    ],
)
def test_only_what_may_concern_somebody_wakes_the_crier(told: bytes, found: int | None) -> None:
    assert heard({"channel": b"copydesk:7:desk", "data": told}) == found
    assert heard({"channel": b"desk", "data": told}) is None
    assert TICK_S <= 2
