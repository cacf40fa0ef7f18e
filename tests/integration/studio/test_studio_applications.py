"""From the application to a live strategy: what is asked, who decides, and what time does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from copydesk.audit import read_entries
from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.replication import live_leaders, resume_strategy, suspend_strategy
from copydesk.replication.strategy_news import NewsKind, tell_news
from copydesk.studio import running
from copydesk.studio.applying import leadable, withdraw
from copydesk.studio.model import OwnStrategy, Status
from copydesk.studio.reviewing import approve, end_probations, go_live, let_go_on, probation_ends, reject
from copydesk.studio.store import own_strategies, own_strategy, reviewed_strategies
from copydesk.studio.terms import Terms, brand_terms, terms_of
from studio_site import BOUNDS, NOW, OFFERED, STAFF, TERMS, D, Seat, applied, begin, brand, seat

DAY = timedelta(days=1)


def again(session: TenantSession, own: OwnStrategy) -> OwnStrategy:
    return own_strategy(session, own.trader_id, own.slug)


def on_probation(session: TenantSession, name: str = "Dawn Runner") -> OwnStrategy:
    own = applied(session, seat(session), name)
    approve(session, brand(), own, actor=STAFF, at=NOW)
    return again(session, own)


def test_an_application_waits_and_nobody_watches_or_copies_it(session: TenantSession) -> None:
    own = applied(session, seat(session))
    assert (own.status, own.slug, own.submitted_at) == (Status.PENDING, "dawn-runner", NOW)
    assert live_leaders(session, venue="binance", environment="lab") == []
    with pytest.raises(InvalidInput, match="pending"):
        begin(session, own.id, seat(session, "follower"))
    assert terms_of(session, own.id, brand()) == TERMS
    (entry,) = read_entries(session, session.tenant_id)
    assert (entry.act, (entry.after or {})["profit_share"]) == ("strategy.applied", "0.2")


def test_only_an_account_that_can_trade_and_neither_leads_nor_copies_can_lead(session: TenantSession) -> None:
    fit, keyless, reading = seat(session), seat(session, key=None), seat(session, can_trade=False)
    assert [one.account_id for one in leadable(session, fit.user_id, OFFERED)] == [fit.account_id]
    assert leadable(session, keyless.user_id, OFFERED) == leadable(session, reading.user_id, OFFERED) == []
    assert leadable(session, fit.user_id, {("okx", "live")}) == []
    copier = seat(session)
    begin(session, on_probation(session).id, copier)
    assert leadable(session, copier.user_id, OFFERED) == []
    applied(session, fit, "Another one")
    with pytest.raises(InvalidInput) as refused:
        applied(session, fit, "A third one")
    assert refused.value.code == "account"


def test_names_are_a_brands_own_and_addresses_are_numbered(session: TenantSession) -> None:
    applied(session, seat(session))
    with pytest.raises(InvalidInput) as refused:
        applied(session, seat(session), "dawn runner")
    assert refused.value.code == "name_taken"
    assert applied(session, seat(session), "Dawn, Runner").slug == "dawn-runner-2"
    with pytest.raises(InvalidInput, match="name: expected 3 to 60"):
        applied(session, seat(session), "no")


def test_one_that_is_turned_down_reads_why_and_can_be_handed_in_again(session: TenantSession) -> None:
    trader = seat(session)
    own = applied(session, trader)
    with pytest.raises(InvalidInput, match="reason: expected 10"):
        reject(session, own, "no", actor=STAFF, at=NOW)
    reject(session, own, "The summary promises  a return.", actor=STAFF, at=NOW)
    declined = again(session, own)
    assert (declined.status, declined.reason) == (Status.DECLINED, "The summary promises a return.")
    with pytest.raises(Refused, match="decided by now"):
        approve(session, brand(), own, actor=STAFF, at=NOW)
    anew = applied(session, trader, "Dawn Walker", replace(TERMS, profit_share=D("0.1")))
    assert (anew.id, anew.slug, anew.status, anew.reason) == (own.id, own.slug, Status.PENDING, "")
    assert terms_of(session, own.id, brand()).profit_share == D("0.1")


def test_an_application_can_be_withdrawn_until_it_is_decided(session: TenantSession) -> None:
    own = applied(session, seat(session))
    running.close(session, own, actor=STAFF, at=NOW)
    assert again(session, own).status is Status.DECLINED
    decided = on_probation(session, "Another")
    with pytest.raises(Refused, match="decided by now"):
        withdraw(session, decided.trader_id, decided.slug, actor=STAFF, at=NOW)


def test_probation_is_copied_watched_and_over_by_itself(session: TenantSession) -> None:
    own = applied(session, seat(session))
    assert approve(session, brand(), own, actor=STAFF, at=NOW + DAY) is Status.PROBATION
    own = again(session, own)
    assert own.created_at == NOW + DAY, "the record begins with the approval"
    assert probation_ends(own, brand()) == NOW + 31 * DAY
    assert [one.strategy_id for one in live_leaders(session, venue="binance", environment="lab")] == [own.id]
    assert begin(session, own.id, seat(session, "follower"))
    assert end_probations(session, brand(), now=NOW + 30 * DAY) == []
    assert end_probations(session, brand(), now=NOW + 31 * DAY) == [own.id]
    assert (again(session, own).status, again(session, own).live_at) == (Status.LIVE, NOW + 31 * DAY)
    acts = [entry.act for entry in read_entries(session, session.tenant_id)]
    assert acts == ["strategy.live", "strategy.approved", "strategy.applied"]


def test_a_suspension_begins_probation_anew_and_pausing_does_not_end_it(session: TenantSession) -> None:
    own = on_probation(session)
    assert suspend_strategy(session, own.id) == []
    tell_news(session, own.id, NewsKind.SUSPENDED, None, {}, NOW + 20 * DAY)
    assert end_probations(session, brand(), now=NOW + 40 * DAY) == [], "it is suspended"
    let_go_on(session, again(session, own), actor=STAFF, at=NOW + 40 * DAY)
    assert again(session, own).status is Status.PROBATION
    assert end_probations(session, brand(), now=NOW + 49 * DAY) == []
    running.pause(session, again(session, own), actor=STAFF, at=NOW + 49 * DAY)
    resume_strategy(session, own.id)
    assert again(session, own).status is Status.PROBATION
    assert end_probations(session, brand(), now=NOW + 51 * DAY) == [own.id]


def test_staff_can_end_probation_and_a_brand_can_have_none(session: TenantSession) -> None:
    own = on_probation(session)
    go_live(session, own, actor=STAFF, at=NOW)
    with pytest.raises(Refused, match="Only a strategy on probation"):
        go_live(session, again(session, own), actor=STAFF, at=NOW)
    other = applied(session, seat(session), "Another")
    assert approve(session, brand(probation_days=0), other, actor=STAFF, at=NOW) is Status.LIVE
    running.pause(session, again(session, other), actor=STAFF, at=NOW)
    running.go_on(session, again(session, other), actor=STAFF, at=NOW)
    assert again(session, other).status is Status.LIVE


def test_a_trader_closes_for_good_and_cannot_go_on_after_a_suspension(session: TenantSession) -> None:
    own = on_probation(session)
    begin(session, own.id, seat(session, "follower"))
    suspend_strategy(session, own.id)
    with pytest.raises(Refused, match="suspended"):
        running.go_on(session, again(session, own), actor=STAFF, at=NOW)
    assert running.close(session, again(session, own), actor=STAFF, at=NOW) == 1
    with pytest.raises(Refused, match="closed"):
        running.close(session, again(session, own), actor=STAFF, at=NOW)


def test_applications_stand_first_and_another_traders_strategy_is_not_found(session: TenantSession) -> None:
    trader: Seat = seat(session)
    first = on_probation(session, "Older")
    own = applied(session, trader, "Newer")
    assert [one.name for one in reviewed_strategies(session)] == ["Newer", "Older"]
    assert [one.slug for one in own_strategies(session, trader.user_id)] == [own.slug]
    for slug in (first.slug, "none", "a\0b"):
        with pytest.raises(NotFound):
            own_strategy(session, trader.user_id, slug)


def test_terms_are_the_brands_where_none_were_set_and_never_above_what_it_allows(session: TenantSession) -> None:
    assert terms_of(session, 99, brand()) == brand_terms(brand()) == Terms(D("0.10"))
    own = applied(session, seat(session), terms=Terms(D("0.3")))
    tight = replace(brand(), cascade=replace(brand().cascade, panel=_share_max("0.15")))
    assert terms_of(session, own.id, tight).profit_share == D("0.15")
    assert BOUNDS.profit_share_max == D("0.3")


def _share_max(ratio: str) -> object:
    return replace(brand().cascade.panel, values={"fees.profit_share_ratio_max": D(ratio)})
