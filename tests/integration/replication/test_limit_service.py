"""Setting, clearing and explaining limits on a real PostgreSQL: what is refused, what is replaced, whose each is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.db import Database
from copydesk.kernel import InvalidInput, NotFound
from copydesk.replication import standing_now
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.limits import LimitSet
from copydesk.risk.model import Measure, Scope, Scoped
from copydesk.risk.profiles import PROFILES, Profile
from copydesk.risk.readings import reading_of
from copydesk.risk.service import Ground, choose_profile, clear_limit, limits_of, profile_chosen, set_limit
from copydesk.risk.store import Holder, LimitOwner, limits_set
from copydesk.trading import Side
from desk_site import Opens, Site
from paper_exchange import PERPETUAL, PX, D

PLATFORM = (
    Scoped(Scope.PLATFORM, parse("drawdown > 90 % of equity -> close_and_disarm")),
    Scoped(Scope.TENANT, parse("order > 500 USDT -> shrink")),
)
GROUND = Ground("USDT", frozenset({"BTC/USDT", "ETH/USDT", PERPETUAL}), PLATFORM, dict(PROFILES))
BRAND = LimitOwner(Scope.TENANT)


class Office:
    """A site, and limits that people set there."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.mine = LimitOwner(Scope.SUBSCRIPTION, site.subscriptions[0])
        self.traders = LimitOwner(Scope.STRATEGY, site.leader.strategy_id)
        self.accounts = LimitOwner(Scope.ACCOUNT, site.accounts[0])

    def set(self, owner: LimitOwner, line: str) -> str:
        with self.site.db.tenant(self.site.tenant_id) as session:
            return set_limit(session, GROUND, owner, line, author="Mara")

    def clear(self, owner: LimitOwner, line: str) -> str:
        with self.site.db.tenant(self.site.tenant_id) as session:
            return clear_limit(session, owner, line)

    def choose(self, profile: Profile) -> list[str]:
        with self.site.db.tenant(self.site.tenant_id) as session:
            return choose_profile(session, GROUND, self.mine.id, profile)

    def lines(self, owner: LimitOwner) -> list[tuple[str, str]]:
        with self.site.db.tenant(self.site.tenant_id) as session:
            return [(one.line, one.author) for one in limits_set(session, owner)]

    def hold(self) -> LimitSet:
        holder = Holder(self.mine.id, self.traders.id, self.accounts.id)
        with self.site.db.tenant(self.site.tenant_id) as session:
            return limits_of(session, GROUND, holder)


@pytest.fixture
def office(site: Site) -> Office:
    return Office(site)


def test_a_limit_replaces_the_one_that_differs_in_its_number_alone(office: Office) -> None:
    office.set(office.mine, "order > 100 USDT -> shrink")
    office.set(office.mine, "order > 10 % of equity -> shrink")
    office.set(office.mine, "order  >  80 USDT -> shrink")
    assert office.lines(office.mine) == [
        ("order > 10 % of equity -> shrink", "Mara"),
        ("order > 80 USDT -> shrink", "Mara"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "order > 600 USDT -> shrink",
            "order -> shrink: expected at most 500 USDT, the tenant's limit, found 600 USDT.",
        ),
        ("drawdown > 95 % of equity -> close", "expected at most 90 %, the platform's limit, found 95 %."),
        ("order > 9 EUR -> shrink", "order -> shrink: expected an amount in USDT, found 9 EUR."),
        ("instruments in BTC/EUR -> block_opens", "expected a known instrument"),
        ("positions > 0 -> block_opens", "expected positions a whole number from 1 to 500, found 0."),
    ],
)
def test_a_limit_beyond_a_bound_is_refused_with_the_field_the_bound_and_the_value(
    office: Office, line: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        office.set(office.mine, line)
    assert said in str(refusal.value)
    assert office.lines(office.mine) == []


def test_a_limit_that_contradicts_ones_own_is_refused(office: Office) -> None:
    office.set(office.mine, "drawdown > 20 % of equity -> close")
    with pytest.raises(InvalidInput, match="less than the 20 % of close, found 30 %"):
        office.set(office.mine, "drawdown > 30 % of equity -> warn")


def test_what_contradicts_itself_above_is_not_for_those_below_to_mend(office: Office) -> None:
    office.set(BRAND, "order > 50 USDT -> shrink")
    office.set(office.mine, "order > 40 USDT -> shrink")
    with pytest.raises(InvalidInput, match="at most 50 USDT"):
        office.set(office.mine, "order > 60 USDT -> shrink")


def test_a_traders_limit_overrules_a_followers_and_refuses_none(office: Office) -> None:
    office.set(office.traders, "order > 50 USDT -> shrink")
    office.set(office.mine, "order > 60 USDT -> shrink")
    (holding,) = [one for one in office.hold().holdings if one.scoped.limit.measure == "order"]
    assert (holding.scoped.scope, text_of(holding.scoped.limit)) == (Scope.STRATEGY, "order > 50 USDT -> shrink")
    assert [scoped.scope for scoped in holding.overruled] == [Scope.TENANT, Scope.SUBSCRIPTION]


def test_a_limit_is_taken_back_by_its_line(office: Office) -> None:
    office.set(office.accounts, "positions > 3 -> block_opens")
    office.clear(office.accounts, "positions  > 3 -> block_opens")
    assert office.lines(office.accounts) == []
    with pytest.raises(NotFound, match=f'the account {office.accounts.id} has no limit "positions > 3 -> block_opens"'):
        office.clear(office.accounts, "positions > 3 -> block_opens")


def test_who_sets_a_limit_has_a_name_of_their_own(office: Office) -> None:
    with office.site.db.tenant(office.site.tenant_id) as session:
        for author in ("", "profile:balanced"):
            with pytest.raises(InvalidInput, match="by: expected a name"):
                set_limit(session, GROUND, office.mine, "positions > 3 -> block_opens", author=author)


def test_a_profile_gives_a_subscription_its_limits_and_another_takes_their_place(office: Office) -> None:
    lines = office.choose(Profile.CONSERVATIVE)
    assert len(lines) == len(PROFILES[Profile.CONSERVATIVE])
    assert {author for _, author in office.lines(office.mine)} == {"profile:conservative"}
    office.choose(Profile.BALANCED)
    assert {author for _, author in office.lines(office.mine)} == {"profile:balanced"}
    with office.site.db.tenant(office.site.tenant_id) as session:
        assert profile_chosen(limits_set(session, office.mine)) is Profile.BALANCED


def test_what_was_set_by_hand_stays_and_goes_before_the_profiles(office: Office) -> None:
    office.set(office.mine, "positions > 2 -> block_opens")
    office.choose(Profile.BALANCED)
    told = dict(office.lines(office.mine))
    assert told["positions > 2 -> block_opens"] == "Mara"
    assert not [line for line in told if line.startswith("positions > 10")]


def test_a_profile_that_is_looser_than_the_brand_is_refused_in_one_sentence(office: Office) -> None:
    office.set(BRAND, "leverage > 3 -> shrink")
    with pytest.raises(InvalidInput) as refusal:
        office.choose(Profile.BALANCED)
    assert str(refusal.value) == (
        "profile balanced: leverage -> shrink: expected at most 3, the tenant's limit, found 5."
    )
    assert office.lines(office.mine) == []


def test_a_changed_limit_counts_up_the_crowds_version(office: Office) -> None:
    def version() -> int:
        return int(office.site.one("SELECT version FROM crowd_version"))

    before = version()
    office.set(office.mine, "positions > 3 -> block_opens")
    after = version()
    office.clear(office.mine, "positions > 3 -> block_opens")
    assert before < after < version()


def test_limits_of_one_brand_are_not_seen_by_another(opens: Opens, db: Database) -> None:
    here, there = Office(opens()), Office(opens())
    here.set(BRAND, "order > 50 USDT -> shrink")
    assert there.lines(BRAND) == []
    assert {scoped.scope for scoped in there.hold()} == {Scope.PLATFORM, Scope.TENANT}
    assert [scoped.limit.threshold.value for scoped in there.hold().of(Measure.ORDER)] == [500]
    with db.tenant(there.site.tenant_id) as session, pytest.raises(NotFound):
        clear_limit(session, BRAND, "order > 50 USDT -> shrink")


def test_how_far_a_limit_is_is_measured_by_books_and_the_price_of_today(office: Office) -> None:
    office.site.trade(Side.BUY, "0.4")
    office.site.worker().drain()

    def px_of(place: str, symbol: str) -> Decimal | None:
        assert (place, symbol) == ("binance-lab", "BTC/USDT")
        return PX * D("1.1")

    with office.site.db.tenant(office.site.tenant_id) as session:
        stands = standing_now(session, office.mine.id, px_of, currency="USDT")

    def reads(line: str, scope: Scope = Scope.SUBSCRIPTION) -> tuple[Decimal | None, Decimal, Decimal | None]:
        reading = reading_of(Scoped(scope, parse(line)), stands.standing)
        assert reading is not None
        return tuple(reading)

    held, cost = D("0.003996"), D("0.004") * PX * D("1.005")
    worth = held * PX * D("1.1")
    equity = 1_000 - cost + worth
    assert stands.symbol == "BTC/USDT"
    assert reads("exposure > 300 USDT -> shrink") == (worth, 300, 300 - worth)
    assert reads("exposure > 100 % of equity -> shrink", Scope.ACCOUNT) == (worth, equity, equity - worth)
    assert reads("position > 300 USDT -> shrink")[0] == worth
    assert reads("positions > 3 -> block_opens") == (1, 3, 2)
    assert reads("orders > 3 per minute -> block_opens") == (1, 3, 2)
    assert reads("order > 10 % of equity -> shrink") == (None, equity / 10, None)
    assert reads("loss > 10 % of equity -> close") == (equity, 900, equity - 900)
    assert reads("drawdown > 20 % of equity -> close")[1] == max(equity, D(1_000)) * D("0.8")
    assert reading_of(Scoped(Scope.TENANT, parse("volume < 5 USDT per day -> block_opens")), stands.standing) is None


def test_nobody_stands_anywhere_who_has_ended(office: Office) -> None:
    with office.site.db.tenant(office.site.tenant_id) as session, pytest.raises(NotFound):
        standing_now(session, 10**9, lambda place, symbol: None, currency="USDT")
