"""The end of keys: revoked by the hundred, closed with their owner, and dropped by every role that had opened one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Thread
from typing import cast

import pytest
from copydesk.audit import OPERATOR
from copydesk.bootstrap import Runtime
from copydesk.db import Database
from copydesk.kernel import NotFound, Refused, utc_now
from copydesk.keys import CHANGED, WAITING, WAITS, Handed, IntakeState, KeyNews, Trouble, changed, publish, versions
from copydesk.keys.connect import disconnect
from copydesk.keys.examine import take_up
from copydesk.keys.refused import key_changed_at, put_aside, put_aside_unless_fresh
from copydesk.keys.revoke import Destroyed, destroy, destroy_keys, revocable, tell_revoked, void_intakes
from copydesk.keys.store import intake_of, key_of
from copydesk.keys.tables import AccountKey
from copydesk.keys.watch import Answer, Due, note_answer
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, subscribe
from copydesk.replication.tables import Book
from copydesk.trading import Denial, Environment, KeyKind
from copydesk.vault import Account, NewAccount, Vault, add_accounts, quarantine
from copydesk.workers.key_news import KeyWatch, hear
from key_people import KeySite
from lab_desk import DeskRuntime
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

HANDED = Handed("an-api-key-of-someone", "a-secret-of-someone")


def connect(site: KeySite, vault: Vault, owner: int, count: int = 1) -> list[int]:
    """Give somebody accounts with keys, past the desk."""
    new = [
        NewAccount(owner, "binance", "lab", f"a{n}", "binance-lab:0", f"key-{n}", f"secret-{n}") for n in range(count)
    ]
    with site.db.tenant(site.tenant_id) as session:
        return add_accounts(session, vault, new)


def await_waiting(session: Session) -> None:
    """Return once somebody waits for a row that this transaction holds."""
    for _ in range(20_000):
        query = text(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        if session.execute(query).scalar_one():
            return
    raise AssertionError("nobody waits")


class Away:
    """A runtime whose database is away until it is given another."""

    def __init__(self, runtime: DeskRuntime) -> None:
        self.db = Database(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", poolclass=NullPool))
        self.keys, self.tenant_ids = runtime.keys, runtime.tenant_ids


def numbers(site: KeySite) -> dict[str, int]:
    with site.db.installation() as session:
        return versions(session)


def test_a_hundred_keys_are_destroyed_recorded_and_told_of_and_those_of_others_stay(
    site: KeySite, runtime: DeskRuntime
) -> None:
    owners = [site.person(), site.person()]
    accounts = [account for owner in owners for account in connect(site, runtime.vault, owner, 50)]
    elsewhere = replace(site, slug="boreal")
    spared = connect(elsewhere, runtime.vault, elsewhere.person())
    waiting = site.hand_in(owners[0], "binance", HANDED)
    now = site.clock.now()
    with site.db.tenant(site.tenant_id) as session:
        found = [one for one in revocable(session) if one in accounts]
        voided = void_intakes(session, now, reason=Trouble.REVOKED)
        gone = destroy(session, found, Destroyed.REVOKED, actor=OPERATOR, at=now, note="incident 4")
        told = tell_revoked(session, runtime.identity_vault, gone, at=now)
    assert (found, [one.account_id for one in gone], told, voided) == (accounts, accounts, 2, 1)
    assert all((one.connected, one.reason) == (False, Denial.KEY_REMOVED) for one in site.health(owners[1]))
    assert (site.intake(owners[0], waiting).state, site.sealed(waiting)) == (IntakeState.REFUSED, (None, None))
    (entry,) = site.record(f"account:{accounts[7]}")
    assert (entry.act, entry.actor, entry.after) == (
        "key.destroyed",
        OPERATOR,
        {"connected": False, "why": "revoked", "note": "incident 4"},
    )
    assert [kind for kind, _ in site.mails(owners[1])] == ["key_disarmed"]
    assert [one.connected for one in elsewhere.health() if one.account_id in spared] == [True]
    with site.db.tenant(site.tenant_id) as session:
        again = destroy(session, accounts, Destroyed.REVOKED, actor=OPERATOR, at=now)
    assert again == []


def test_a_key_that_is_to_renew_a_revoked_one_is_destroyed_with_it(site: KeySite, runtime: DeskRuntime) -> None:
    owner = site.person()
    revoked, other = connect(site, runtime.vault, owner, 2)
    renewing = [site.hand_in(owner, "binance", HANDED, account_id=account) for account in (revoked, other)]
    with site.db.tenant(site.tenant_id) as session:
        destroy(session, [revoked], Destroyed.REVOKED, actor=OPERATOR, at=site.clock.now())
    first, second = (site.intake(owner, number) for number in renewing)
    assert (first.state, first.reason, site.sealed(first.id)) == (IntakeState.REFUSED, Trouble.REVOKED, (None, None))
    assert second.state is IntakeState.WAITING


def test_an_answer_about_a_key_and_its_end_never_wait_for_each_other(site: KeySite, runtime: DeskRuntime) -> None:
    owner = site.person()
    (account,) = connect(site, runtime.vault, owner)
    with site.db.tenant(site.tenant_id) as session:
        session.add(AccountKey(tenant_id=site.tenant_id, account_id=account, due_at=site.clock.now()))
    due = Due(account, owner, "binance", Environment.LAB, "a0", "", KeyKind.HMAC, rearms=False)
    noted: list[bool] = []

    def note() -> None:
        with site.db.tenant(site.tenant_id) as session:
            answer = Answer(Denial.KEY_REJECTED, None)
            noted.append(note_answer(session, runtime.identity_vault, due, answer, at=site.clock.now()))

    thread = Thread(target=note)
    with site.db.tenant(site.tenant_id) as session:
        session.execute(text("UPDATE account SET label = 'held' WHERE id = :id"), {"id": account})
        thread.start()
        await_waiting(session)
        destroy(session, [account], Destroyed.REVOKED, actor=OPERATOR, at=site.clock.now())
    thread.join()
    assert noted == [False], "there is no key any more"


def test_an_account_is_not_put_aside_for_a_key_that_was_just_replaced(site: KeySite, runtime: DeskRuntime) -> None:
    fresh, older, unknown, first = connect(site, runtime.vault, site.person(), 4)
    now = utc_now()
    with site.db.tenant(site.tenant_id) as session:
        for account, created, changed in ((fresh, 3600, 30), (older, 3600, 90), (first, 30, 30)):
            created_at, changed_at = now - timedelta(seconds=created), now - timedelta(seconds=changed)
            session.get_one(Account, (site.tenant_id, account)).created_at = created_at
            row = AccountKey(tenant_id=site.tenant_id, account_id=account, due_at=now, changed_at=changed_at)
            session.add(row)
    with site.db.tenant(site.tenant_id) as session:
        aside = [put_aside_unless_fresh(session, one, Denial.KEY_REJECTED) for one in (fresh, older, unknown, first)]
        seen = key_changed_at(session, fresh)
        assert not put_aside(session, fresh, Denial.KEY_REJECTED, changed_at=now - timedelta(days=1))
        assert put_aside(session, fresh, Denial.KEY_REJECTED, changed_at=seen)
    assert aside == [False, True, True, True]


def test_a_closed_account_takes_its_keys_along(site: KeySite, runtime: DeskRuntime) -> None:
    owner, other = site.person(), site.person()
    connect(site, runtime.vault, owner, 2), connect(site, runtime.vault, other)
    number = site.hand_in(owner, "okx", replace(HANDED, passphrase="pass"))
    with site.db.tenant(site.tenant_id) as session:
        gone = destroy_keys(session, owner, actor=site.actor(owner), at=site.clock.now())
    assert len(gone) == 2
    assert site.sealed(number) == (None, None)
    assert [one.connected for one in site.health(owner)] == [False, False]
    assert [one.connected for one in site.health(other)] == [True]


def test_nobody_sees_or_ends_the_keys_of_another_person_or_brand(site: KeySite, runtime: DeskRuntime) -> None:
    owner, stranger = site.person(), site.person()
    (account,) = connect(site, runtime.vault, owner)
    number = site.hand_in(owner, "binance", HANDED)
    abroad = replace(site, slug="boreal")
    for tenant_id, visitor in ((site.tenant_id, stranger), (abroad.tenant_id, owner)):
        with site.db.tenant(tenant_id) as session:
            with pytest.raises(NotFound):
                key_of(session, visitor, account)
            with pytest.raises(NotFound):
                intake_of(session, visitor, number)
            with pytest.raises(NotFound):
                actor = site.actor(visitor)
                disconnect(session, visitor, account, confirmed=True, actor=actor, at=site.clock.now())
    with site.db.tenant(abroad.tenant_id) as session:
        assert destroy(session, [account], Destroyed.REVOKED, actor=OPERATOR, at=site.clock.now()) == []
    assert site.health(owner)[0].connected


def test_a_key_is_not_disconnected_while_positions_are_open_unless_its_owner_says_so(
    site: KeySite, runtime: DeskRuntime
) -> None:
    owner, trader = site.person(), site.person()
    (account,), (led,) = connect(site, runtime.vault, owner), connect(site, runtime.vault, trader)
    with site.db.tenant(site.tenant_id) as session:
        strategy = add_strategy(session, NewStrategy(trader, led, "held", "Held", "Holds."))
        subscription = subscribe(session, NewSubscription(strategy, account, Decimal(100)))
        book = Book(tenant_id=site.tenant_id, subscription_id=subscription, symbol="BTC/USDT", qty=Decimal("0.1"))
        session.add(book)
    acting = {"actor": site.actor(owner), "at": site.clock.now()}
    with pytest.raises(Refused, match="1 positions are open"), site.db.tenant(site.tenant_id) as session:
        disconnect(session, owner, account, confirmed=False, **acting)
    assert site.health(owner)[0].connected
    with site.db.tenant(site.tenant_id) as session:
        assert disconnect(session, owner, account, confirmed=True, **acting) is not None
    assert not site.health(owner)[0].connected


def test_too_many_keys_at_once_are_refused(site: KeySite) -> None:
    owner = site.person()
    for _ in range(5):
        site.hand_in(owner, "binance", HANDED)
    with pytest.raises(Refused) as refusal:
        site.hand_in(owner, "binance", HANDED)
    assert refusal.value.code == "too_many"


def test_two_desks_never_examine_one_key_at_once_and_one_takes_over_from_one_that_died(site: KeySite) -> None:
    owner, now = site.person(), site.clock.now()
    number = site.hand_in(owner, "binance", HANDED)

    def taken_at(moment: datetime) -> list[int]:
        with site.db.tenant(site.tenant_id) as session:
            return [one.intake.id for one in take_up(session, moment, limit=50)]

    assert number in taken_at(now)
    assert number not in taken_at(now + timedelta(seconds=59))
    assert number in taken_at(now + timedelta(seconds=61))


def test_one_number_tells_of_work_for_the_desk_and_another_of_keys_that_are_gone(
    site: KeySite, runtime: DeskRuntime
) -> None:
    owner = site.person()
    (account,) = connect(site, runtime.vault, owner)
    first = numbers(site)
    site.hand_in(owner, "binance", HANDED)
    second = numbers(site)
    assert (second[WAITING] - first[WAITING], second[CHANGED] - first[CHANGED]) == (1, 0)
    with site.db.tenant(site.tenant_id) as session:
        quarantine(session, account, Denial.KEY_REJECTED)
    third = numbers(site)
    assert (third[WAITING] - second[WAITING], third[CHANGED] - second[CHANGED]) == (1, 0)
    with site.db.tenant(site.tenant_id) as session:
        destroy(session, [account], Destroyed.REVOKED, actor=OPERATOR, at=site.clock.now())
    fourth = numbers(site)
    assert fourth[WAITING] == third[WAITING] and fourth[CHANGED] > third[CHANGED]


def test_a_role_that_could_not_look_at_first_drops_what_has_changed_since(site: KeySite, runtime: DeskRuntime) -> None:
    (account,) = connect(site, runtime.vault, site.person())
    away = Away(runtime)
    watch = KeyWatch(cast(Runtime, away))
    with pytest.raises(OperationalError):
        watch.look()
    assert set(runtime.keys.credentials(site.tenant_id, [account])) == {account}
    with site.db.tenant(site.tenant_id) as session:
        destroy(session, [account], Destroyed.REVOKED, actor=OPERATOR, at=utc_now())
    away.db = site.db
    watch.look()
    assert runtime.keys.credentials(site.tenant_id, [account]) == {}


@pytest.mark.parametrize("by", ["message", "look"])
def test_a_role_drops_a_key_that_it_holds_once_it_is_destroyed(site: KeySite, runtime: DeskRuntime, by: str) -> None:
    owner = site.person()
    gone_soon, kept = connect(site, runtime.vault, owner, 2)
    watch = KeyWatch(runtime)
    watch.look()
    held: Callable[[], set[int]] = lambda: set(runtime.keys.credentials(site.tenant_id, [gone_soon, kept]))  # noqa: E731
    assert held() == {gone_soon, kept}
    with site.db.tenant(site.tenant_id) as session:
        destroy(session, [gone_soon], Destroyed.REVOKED, actor=OPERATOR, at=utc_now())
    assert held() == {gone_soon, kept}, "an opened key is held in memory"
    if by == "message":
        watch.heed(changed(site.tenant_id, [gone_soon]))
    else:
        watch.look()
    assert held() == {kept}


def test_what_is_published_is_heard_by_every_listening_role(redis_url: str) -> None:
    told: list[KeyNews] = []

    async def listen() -> None:
        enough = asyncio.Event()

        def heard(news: KeyNews) -> None:
            told.append(news)
            with closing(Redis.from_url(redis_url)) as redis:
                if len(told) == 1:
                    publish(redis, changed(3, range(1, 1_502)))
                    redis.publish("copydesk:keys", b"nonsense")
            if len(told) == 4:
                enough.set()

        task = asyncio.create_task(hear(redis_url, heard))
        async with asyncio.timeout(10):
            await enough.wait()
        task.cancel()

    asyncio.run(listen())
    subscribed, first, second, hint = told
    assert (subscribed, hint) == (WAITS, WAITS)
    assert first == KeyNews(3, tuple(range(1, 1_001))) and second == KeyNews(3, tuple(range(1_001, 1_502)))
