"""What becomes of a key that somebody hands in, at every exchange: asked over HTTP what it may do, then kept or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from copydesk.identity import User
from copydesk.keys import Handed, IntakeState, NewIntake, Trouble
from copydesk.keys.connect import begin_pair, check_again, complete_pair
from copydesk.trading import Credentials, Denial, Environment, KeyKind
from copydesk.vault import IntakePublic, quarantine
from copydesk.venues import EXCHANGES, TRAITS, Feature
from key_people import HandClock, KeySite
from lab_desk import TRADES, DeskRuntime, LabHand
from noticing import Ear

Look = Callable[[], None]
# What each exchange's page calls the rights that a key must not have.
WITHDRAWS = {"binance": "Enable Withdrawals", "okx": "Withdraw", "bybit": "Withdrawal", "bitget": "Withdraw"}
TRANSFERS = {
    "binance": {"Enable Internal Transfer", "Permits Universal Transfer"},
    "bybit": {"Subaccount Transfer"},
    "bitget": {"Transfer"},
}


@pytest.fixture
def ear(site: KeySite, desk: Look, clock: HandClock) -> Ear:
    """Whoever is told what becomes of keys."""
    return Ear(site.db, site.tenant_id, clock)


@pytest.mark.parametrize("venue", EXCHANGES)
def test_a_key_that_may_withdraw_is_refused_by_the_name_of_the_right_and_nothing_is_kept(
    site: KeySite, lab: LabHand, desk: Look, ear: Ear, venue: str
) -> None:
    owner = site.person()
    number = site.hand_in(owner, venue, lab.key(lab.account(venue), *TRADES, "withdraw"))
    desk()
    intake = site.intake(owner, number)
    assert (intake.state, intake.reason) == (IntakeState.REFUSED, Denial.KEY_CAN_WITHDRAW)
    assert WITHDRAWS[venue] in intake.rights
    assert site.sealed(number) == (None, None)
    assert site.health(owner) == []
    ((kind, facts),) = site.mails(owner)
    assert (kind, facts["exchange"], facts["reason"]) == ("key_refused", venue, "key_can_withdraw")
    assert ear.told(owner) == ["key_problem"]
    assert WITHDRAWS[venue] in facts["right"]
    refused, handed_in = site.record(f"intake:{number}")
    assert (refused.act, handed_in.act, handed_in.actor.user_id) == ("key.refused", "key.handed_in", owner)


@pytest.mark.parametrize("venue", [venue for venue in EXCHANGES if TRAITS[venue].supports(Feature.KEY_TRANSFER_RIGHT)])
def test_a_key_that_may_move_money_elsewhere_is_refused_by_the_name_of_the_right(
    site: KeySite, lab: LabHand, desk: Look, venue: str
) -> None:
    owner = site.person()
    number = site.hand_in(owner, venue, lab.key(lab.account(venue), *TRADES, "transfer"))
    desk()
    intake = site.intake(owner, number)
    assert (intake.state, intake.reason) == (IntakeState.REFUSED, Denial.KEY_CAN_TRANSFER)
    assert set(intake.rights) == TRANSFERS[venue]


@pytest.mark.parametrize("venue", EXCHANGES)
def test_a_key_that_may_only_trade_is_accepted_and_opens_where_keys_may_be_opened(
    site: KeySite, lab: LabHand, desk: Look, runtime: DeskRuntime, venue: str
) -> None:
    owner, handed = site.person(), lab.key(lab.account(venue))
    number = site.hand_in(owner, venue, handed)
    desk()
    intake = site.intake(owner, number)
    assert intake.state is IntakeState.ACCEPTED, intake
    assert site.sealed(number) == (None, None)
    (health,) = site.health(owner)
    assert (health.usable, health.ip_bound, health.probed_at) == (True, True, site.clock.now())
    assert health.scope is not None and health.scope["can_trade"] and not health.scope["can_withdraw"]
    opened = runtime.keys.credentials(site.tenant_id, [health.account_id])[health.account_id]
    assert (opened.api_key, opened.secret, opened.password) == (handed.api_key, handed.secret, handed.passphrase)
    assert [kind for kind, _ in site.mails(owner)] == ["key_connected"]
    assert [entry.act for entry in site.record(f"account:{health.account_id}")] == ["key.connected"]


@pytest.mark.parametrize("venue", EXCHANGES)
def test_a_right_that_appears_later_disarms_the_account_and_is_named(
    site: KeySite, lab: LabHand, desk: Look, clock: HandClock, ear: Ear, venue: str
) -> None:
    owner, handed = site.person(), lab.key(lab.account(venue))
    site.hand_in(owner, venue, handed)
    desk()
    lab.change(handed, *TRADES, "withdraw")
    clock.wait(days=1, minutes=1)
    desk()
    (health,) = site.health(owner)
    assert (health.usable, health.status, health.reason) == (False, "active", Denial.KEY_CAN_WITHDRAW)
    kind, facts = site.mails(owner)[-1]
    assert (kind, facts["reason"]) == ("key_disarmed", "key_can_withdraw")
    assert WITHDRAWS[venue] in facts["right"]
    assert ear.told(owner) == ["security", "key_problem"]
    disarmed = site.record(f"account:{health.account_id}")[0]
    assert (disarmed.act, disarmed.after) == (
        "key.disarmed",
        {"reason": "key_can_withdraw", "rights": [*health.rights], "usable": False},
    )


def trouble_of(site: KeySite, desk: Look, owner: int, venue: str, handed: Handed, **more: object) -> str | None:
    """Hand a key in, and return why it was refused."""
    number = site.hand_in(owner, venue, handed, **more)
    desk()
    return site.intake(owner, number).reason


def test_a_key_that_may_not_trade_and_one_with_a_wrong_secret_are_told_apart(
    site: KeySite, lab: LabHand, desk: Look
) -> None:
    owner, account = site.person(), lab.account("okx")
    good = lab.key(account)
    assert trouble_of(site, desk, owner, "okx", lab.key(account, "read")) == Denial.KEY_READ_ONLY
    wrong = replace(good, secret=good.secret[::-1])
    assert trouble_of(site, desk, owner, "okx", wrong) == Denial.KEY_SECRET_WRONG
    assert site.health(owner) == []


def test_an_account_is_connected_once_and_nobody_learns_by_whom(site: KeySite, lab: LabHand, desk: Look) -> None:
    owner, other, account = site.person(), site.person(), lab.account("binance")
    first, second = lab.key(account), lab.key(account)
    assert trouble_of(site, desk, owner, "binance", first) is None
    assert trouble_of(site, desk, owner, "binance", first) == Trouble.KNOWN
    assert trouble_of(site, desk, owner, "binance", second) == Trouble.KNOWN
    assert trouble_of(site, desk, other, "binance", second) == Trouble.TAKEN
    assert len(site.health(owner)) == 1 and site.health(other) == []


def test_a_key_is_renewed_by_another_one_of_the_same_account_alone(
    site: KeySite, lab: LabHand, desk: Look, runtime: DeskRuntime
) -> None:
    owner, account = site.person(), lab.account("bybit")
    assert trouble_of(site, desk, owner, "bybit", lab.key(account)) is None
    (before,) = site.health(owner)
    stranger, fresh = lab.key(lab.account("bybit")), lab.key(account)
    renewing = {"account_id": before.account_id}
    assert trouble_of(site, desk, owner, "bybit", stranger, **renewing) == Trouble.OTHER_ACCOUNT
    assert trouble_of(site, desk, owner, "bybit", fresh, **renewing) is None
    (after,) = site.health(owner)
    assert (after.account_id, after.usable) == (before.account_id, True)
    opened: Credentials = runtime.keys.credentials(site.tenant_id, [after.account_id])[after.account_id]
    assert opened.api_key == fresh.api_key


def test_a_key_waits_while_its_exchange_cannot_be_asked_and_is_let_go_after_an_hour(
    site: KeySite, lab: LabHand, desk: Look, clock: HandClock
) -> None:
    owner, account = site.person(), lab.account("bitget")
    early, late = lab.key(account), lab.key(lab.account("bitget"))
    lab.control.call("POST", "faults", {"harm": "maintenance", "venue": "bitget"})
    numbers = [site.hand_in(owner, "bitget", handed) for handed in (early, late)]
    desk()
    assert {site.intake(owner, n).state for n in numbers} == {IntakeState.WAITING}
    assert site.intake(owner, numbers[0]).reason == Trouble.UNREACHABLE
    clock.wait(minutes=61)
    desk()
    assert {site.intake(owner, n).state for n in numbers} == {IntakeState.REFUSED}
    assert all(site.sealed(n) == (None, None) for n in numbers)
    lab.control.call("DELETE", "faults")


def test_a_brand_that_wants_keys_bound_refuses_one_that_is_not(site: KeySite, lab: LabHand, desk: Look) -> None:
    account = lab.account("okx")
    loose = lab.key(account, ips=())
    strict = replace(site, slug="boreal")
    owner = strict.person()
    assert trouble_of(strict, desk, owner, "okx", loose) == Denial.KEY_UNBOUND
    assert trouble_of(strict, desk, owner, "okx", lab.key(account)) is None
    owner = site.person()
    assert trouble_of(site, desk, owner, "okx", loose) is None
    assert [one.ip_bound for one in site.health(owner)] == [False]


def test_a_key_put_aside_in_trading_is_asked_about_at_once_and_used_again_when_its_owner_asks(
    site: KeySite, lab: LabHand, desk: Look, runtime: DeskRuntime
) -> None:
    owner, handed = site.person(), lab.key(lab.account("binance"))
    site.hand_in(owner, "binance", handed)
    desk()
    (health,) = site.health(owner)
    lab.change(handed, "read")
    with site.db.tenant(site.tenant_id) as session:
        quarantine(session, health.account_id, Denial.KEY_REJECTED)
    desk()
    (found,) = site.health(owner)
    assert (found.usable, found.reason) == (False, Denial.KEY_READ_ONLY), "the desk finds out why"
    assert site.mails(owner)[-1][1]["reason"] == "key_read_only"
    lab.change(handed, *TRADES)
    site.clock.wait(seconds=31)
    with site.db.tenant(site.tenant_id) as session:
        check_again(session, owner, health.account_id, actor=site.actor(owner), at=site.clock.now())
    desk()
    assert [one.usable for one in site.health(owner)] == [True]
    acts = [entry.act for entry in site.record(f"account:{health.account_id}")]
    assert acts == ["key.rearmed", "key.check_asked_for", "key.disarmed", "key.connected"]


def test_a_key_that_trading_put_aside_and_that_works_closes_again_though_it_may_do_too_much(
    site: KeySite, lab: LabHand, desk: Look
) -> None:
    owner, handed = site.person(), lab.key(lab.account("binance"))
    site.hand_in(owner, "binance", handed)
    desk()
    (health,) = site.health(owner)
    lab.change(handed, *TRADES, "withdraw")
    with site.db.tenant(site.tenant_id) as session:
        quarantine(session, health.account_id, Denial.KEY_REJECTED)
    desk()
    (found,) = site.health(owner)
    assert (found.usable, found.status, found.reason) == (False, "active", Denial.KEY_CAN_WITHDRAW)


def test_a_person_who_was_blocked_meanwhile_connects_no_key(site: KeySite, lab: LabHand, desk: Look) -> None:
    owner = site.person()
    number = site.hand_in(owner, "binance", lab.key(lab.account("binance")))
    with site.db.tenant(site.tenant_id) as session:
        session.get_one(User, (site.tenant_id, owner)).status = "blocked"
    desk()
    assert (site.intake(owner, number).reason, site.health(owner)) == (Trouble.GIVEN_UP, [])


@pytest.mark.parametrize(("venue", "kind"), [("binance", KeyKind.ED25519), ("bybit", KeyKind.RSA)])
def test_a_pair_that_we_make_is_connected_by_its_name_alone(
    site: KeySite, lab: LabHand, desk: Look, runtime: DeskRuntime, venue: str, kind: KeyKind
) -> None:
    owner, account, now = site.person(), lab.account(venue), site.clock.now()
    with site.db.tenant(site.tenant_id) as session:
        new = NewIntake(owner, venue, Environment.LAB, "Pair", kind)
        number = begin_pair(session, new, actor=site.actor(owner), at=now)
    desk()
    offered = site.intake(owner, number)
    assert offered.state is IntakeState.OFFERED and offered.public_key is not None
    assert "BEGIN PUBLIC KEY" in offered.public_key
    named = lab.key(account, public_key=offered.public_key)
    with site.db.tenant(site.tenant_id) as session:
        seal = IntakePublic(site.identity_store, site.db)
        given = Handed(named.api_key, passphrase=named.passphrase)
        complete_pair(session, seal, owner, number, given, actor=site.actor(owner), at=now)
    desk()
    assert site.intake(owner, number).state is IntakeState.ACCEPTED, site.intake(owner, number)
    (health,) = site.health(owner)
    opened = runtime.keys.credentials(site.tenant_id, [health.account_id])[health.account_id]
    assert (opened.kind, health.kind) == (kind, kind)
    assert "PRIVATE KEY" in opened.secret


def test_the_end_of_a_key_is_told_of_once_two_weeks_before(
    site: KeySite, lab: LabHand, desk: Look, clock: HandClock, ear: Ear
) -> None:
    """Bybit ends keys that are bound to no address after 90 days."""
    owner = site.person()
    site.hand_in(owner, "bybit", lab.key(lab.account("bybit"), ips=()))
    desk()
    (health,) = site.health(owner)
    assert health.days_left(clock.now()) in range(85, 91)
    ends_at = health.expires_at
    assert ends_at is not None
    clock.at = ends_at - timedelta(days=13, hours=1)
    desk()
    kind, facts = site.mails(owner)[-1]
    assert (kind, facts["exchange"], facts["days"]) == ("key_expires", "bybit", "13")
    clock.wait(days=1, minutes=1)
    desk()
    assert [kind for kind, _ in site.mails(owner)] == ["key_connected", "key_expires"]
    assert ear.told(owner) == ["security", "key_problem"]
