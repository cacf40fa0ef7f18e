"""What traders ask holds for whoever begins to copy: allocation, number, invitation. And who watches and reads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from copydesk.db import Database, TenantSession
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.performance.board import leaderboard, listed_slugs
from copydesk.performance.tables import SubscriptionFigures
from copydesk.replication import end_subscription
from copydesk.replication.room import BeyondTerms
from copydesk.studio.announcing import BODY_MAX, announce, announcements_of, announcements_of_any, take_back
from copydesk.studio.crowd import crowd_of, earnings_of
from copydesk.studio.inviting import hidden_slugs, invite_one, link_offer, links_of, take_link_back, take_up
from copydesk.studio.model import OwnStrategy
from copydesk.studio.reviewing import approve
from copydesk.studio.terms import Terms
from copydesk.studio.watching import is_watching, unwatch, watch, watched_by, watchers_of
from copydesk.tenancy import ensure_tenant
from copydesk.trading import EndMode
from copydesk.vault import Account
from sqlalchemy import insert, text, update
from studio_site import NOW, STAFF, D, applied, begin, brand, seat

HOUR = timedelta(hours=1)


def published(session: TenantSession, terms: Terms, name: str = "Dawn Runner") -> OwnStrategy:
    own = applied(session, seat(session), name, terms)
    approve(session, brand(), own, actor=STAFF, at=NOW)
    return own


def code_of(session: TenantSession, own: OwnStrategy, allocation: str = "1000") -> str:
    with pytest.raises(BeyondTerms) as refused:
        begin(session, own.id, seat(session, "follower"), allocation)
    return refused.value.code


def test_an_allocation_below_the_minimum_is_refused_with_both_numbers(session: TenantSession) -> None:
    own = published(session, Terms(D("0.1"), D(500)))
    with pytest.raises(BeyondTerms, match=r"at least 500, which the trader asks, found 499\.99"):
        begin(session, own.id, seat(session, "follower"), "499.99")
    assert begin(session, own.id, seat(session, "follower"), "500")


def test_a_full_strategy_takes_nobody_but_who_copies_already_and_a_place_becomes_free(session: TenantSession) -> None:
    own = published(session, Terms(D("0.1"), followers_max=1))
    follower = seat(session, "follower")
    first = begin(session, own.id, follower)
    assert code_of(session, own) == "strategy_full"
    second = replace(seat(session, "follower"), user_id=follower.user_id)
    moved = {"user": second.user_id, "id": second.account_id}
    session.execute(text("UPDATE account SET user_id = :user WHERE id = :id"), moved)
    for number in (first, begin(session, own.id, second)):
        end_subscription(session, number, EndMode.CLOSE_NOW)
        session.execute(text("UPDATE subscription SET state = 'ended' WHERE id = :id"), {"id": number})
    assert begin(session, own.id, seat(session, "follower"))


def test_of_two_who_come_at_once_one_gets_the_last_place(db: Database) -> None:
    with db.installation() as opening:
        number = ensure_tenant(opening, "boreal")
    with db.tenant(number) as session:
        own = published(session, Terms(D("0.1"), followers_max=1))
        seats = [seat(session, "follower") for _ in range(2)]

    def come(place: int) -> bool:
        try:
            with db.tenant(number) as session:
                begin(session, own.id, seats[place])
        except BeyondTerms:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(come, range(2))) == [False, True]


def test_a_private_strategy_is_seen_and_copied_by_invitation_alone(session: TenantSession) -> None:
    own = published(session, Terms(D("0.1"), private=True))
    assert own.slug not in listed_slugs(session)
    assert leaderboard(session, now=NOW).total == 0
    assert code_of(session, own) == "strategy_private"
    follower, other = seat(session, "follower"), seat(session, "follower")
    token = invite_one(session, own.id, " A  friend ", actor=STAFF, at=NOW)
    assert take_up(session, token, follower.user_id, actor=follower.actor, at=NOW).slug == own.slug
    assert take_up(session, token, follower.user_id, actor=follower.actor, at=NOW).slug == own.slug, "theirs already"
    with pytest.raises(NotFound, match="used already"):
        take_up(session, token, other.user_id, actor=other.actor, at=NOW)
    viewers = (None, follower.user_id, other.user_id, own.trader_id)
    assert [bool(hidden_slugs(session, [own.slug], viewer)) for viewer in viewers] == [True, False, True, False]
    assert begin(session, own.id, follower)
    (link,) = links_of(session, own.id)
    assert (link.label, link.used_at) == ("A friend", NOW)


def test_an_invitation_taken_back_or_too_old_is_worth_nothing(session: TenantSession) -> None:
    own = published(session, Terms(D("0.1"), private=True))
    follower = seat(session, "follower")
    token = invite_one(session, own.id, "", actor=STAFF, at=NOW)
    with pytest.raises(NotFound):
        link_offer(session, token, follower.user_id, at=NOW + timedelta(days=14))
    take_up(session, token, follower.user_id, actor=follower.actor, at=NOW)
    (link,) = links_of(session, own.id)
    take_link_back(session, own.id, link.id, actor=STAFF, at=NOW)
    with pytest.raises(BeyondTerms):
        begin(session, own.id, follower)
    with pytest.raises(NotFound):
        take_link_back(session, own.id, link.id, actor=STAFF, at=NOW)
    with pytest.raises(InvalidInput, match="label: expected at most 60"):
        invite_one(session, own.id, "x" * 61, actor=STAFF, at=NOW)


def test_people_watch_what_they_may_see_and_once(session: TenantSession) -> None:
    own, hidden = published(session, Terms(D("0.1"))), published(session, Terms(D("0.1"), private=True), "Hidden")
    waiting = applied(session, seat(session), "Waiting")
    user = seat(session, "follower").user_id
    for _ in range(2):
        watch(session, user, own.id, at=NOW)
    for unseen in (hidden.id, waiting.id, 10**9):
        with pytest.raises(NotFound):
            watch(session, user, unseen, at=NOW)
    assert is_watching(session, user, own.id)
    assert ([one.slug for one in watched_by(session, user)], watchers_of(session, own.id)) == ([own.slug], [user])
    assert crowd_of(session, own.id).watching == 1
    unwatch(session, user, own.id)
    assert not is_watching(session, user, own.id)


@pytest.fixture
def own(session: TenantSession) -> Iterator[OwnStrategy]:
    yield published(session, Terms(D("0.1")))


def test_an_announcement_is_plain_text_and_can_be_deleted_within_the_hour(
    session: TenantSession, own: OwnStrategy
) -> None:
    said = announce(session, own.id, "  Less size this week.\n", at=NOW)
    later = announce(session, own.id, "And more.", at=NOW + HOUR)
    assert [one.body for one in announcements_of(session, own.id)] == ["And more.", "Less size this week."]
    assert announcements_of_any(session, [own.id, 99], most=1) == [later]
    for body in (" \n ", "x" * (BODY_MAX + 1)):
        with pytest.raises(InvalidInput, match="1 to 1000 characters"):
            announce(session, own.id, body, at=NOW)
    with pytest.raises(Refused, match="within an hour"):
        take_back(session, own.id, said.id, at=NOW + HOUR)
    with pytest.raises(NotFound):
        take_back(session, own.id + 1, later.id, at=NOW + HOUR)
    take_back(session, own.id, later.id, at=NOW + HOUR)
    assert announcements_of(session, own.id) == [said]


def test_earnings_are_a_share_of_each_gain_and_no_loss_takes_off_another(session: TenantSession) -> None:
    terms = Terms(D("0.2"))
    own = published(session, terms)
    assert earnings_of(session, own.id, terms, brand()).judged == 0
    for result in ("100", "-40", "0.055"):
        account = seat(session, "follower")
        row = {
            "tenant_id": session.tenant_id,
            "subscription_id": begin(session, own.id, account),
            "strategy_id": own.id,
            "as_of": NOW,
            "net_result": D(result),
            **{key: {} for key in ("cursor", "summary", "figures")},
        }
        session.execute(insert(SubscriptionFigures).values(row))
    found = earnings_of(session, own.id, terms, brand())
    assert (found.gains, found.in_profit, found.judged) == (D("100.05"), 2, 3)
    assert (found.fee, found.brand_part, found.trader_part) == (D("20.01"), D("6.00"), D("14.01"))
    assert crowd_of(session, own.id).allocated == D(3_000)
    session.execute(update(Account).where(Account.id == account.account_id).values(demo=True))
    crowd = crowd_of(session, own.id)
    assert (earnings_of(session, own.id, terms, brand()).gains, crowd.allocated, crowd.copying) == (100, 2_000, 2)
