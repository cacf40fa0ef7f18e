"""What a page of beginning to copy is about: the strategy and its terms, one's own accounts, and what forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from flask import g

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, InvalidInput, NotFound, decimal_text
from copydesk.keys import KeyHealth
from copydesk.keys.store import keys_of
from copydesk.performance.model import BoardRow
from copydesk.performance.rows import read_rows
from copydesk.performance.whatif_past import Subject, subject_of
from copydesk.replication import LEVERAGE_MAX, kinship_denials
from copydesk.replication.begin import copied_with
from copydesk.risk.model import Limit
from copydesk.risk.profiles import Profile
from copydesk.risk.service import Ground, ground_of, profile_of
from copydesk.risk.switch_rules import Spot, ThrownSwitch
from copydesk.risk.switches import read_board
from copydesk.studio.terms import Terms, terms_of
from copydesk.tenancy import Tenant, setting_value
from copydesk.trading import Denial
from copydesk.web.asking import own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.copying.asked import Asked, Offer
from copydesk.web.copying.funds import Funds, Seen, seen_of
from copydesk.web.database import whole_database
from copydesk.web.site import current_site

AMOUNT_USUAL = Decimal(500)
_SLIDER_MIN, _SLIDER_TIMES = Decimal(2_000), 4


@dataclass(frozen=True)
class Own:
    """One exchange account that can copy. `copies` is the subscription by which it does already."""

    health: KeyHealth
    copies: int | None
    kin: Denial | None
    seen: Seen

    @property
    def id(self) -> int:
        return self.health.account_id

    @property
    def funds(self) -> Funds | None:
        """Return what is free in it, None where that is not known."""
        return self.seen.funds

    @property
    def place(self) -> str:
        """Return where the account is: "binance-lab"."""
        return f"{self.health.venue}-{self.health.environment}"

    @property
    def free(self) -> bool:
        """Tell whether the account may begin to copy this strategy."""
        return self.copies is None and self.kin is None


@dataclass(frozen=True)
class Facing:
    """One strategy that somebody thinks of copying, with everything that its pages say before anything is filled in.

    `accounts` are the person's usable ones, `connected` counts all that they have; `profiles` are the brand's.
    """

    tenant: Tenant
    ground: Ground
    subject: Subject
    card: BoardRow
    terms: Terms
    switch: ThrownSwitch | None
    accounts: tuple[Own, ...]
    connected: int
    profiles: Mapping[Profile, tuple[Limit, ...]]

    @property
    def path(self) -> str:
        return f"/strategies/{self.subject.slug}/copy"

    @property
    def currency(self) -> str:
        return self.tenant.config.currency

    @property
    def open(self) -> bool:
        """Tell whether anybody can begin to copy it."""
        return self.card.status != "closed"

    @property
    def choices(self) -> tuple[Own, ...]:
        """Return the accounts that may begin to copy it."""
        return tuple(one for one in self.accounts if one.free)

    @property
    def leverage_max(self) -> int:
        """Return the highest leverage that the brand sets an account to; 0 where nothing but spot is traded."""
        return setting_value(self.tenant, LEVERAGE_MAX, int) if self.card.perpetual else 0

    @property
    def offer(self) -> Offer:
        """Return what may be chosen."""
        return self._offer(self.choices)

    @property
    def offer_again(self) -> Offer:
        """Return what may have been chosen by who sends a form once more: the account copies by now."""
        return self._offer(self.accounts)

    def _offer(self, accounts: tuple[Own, ...]) -> Offer:
        return Offer(
            accounts=[one.id for one in accounts],
            profiles=tuple(self.profiles),
            amount_min=self.terms.min_allocation,
            leverage_max=self.leverage_max,
            currency=self.currency,
        )

    def account(self, number: int) -> Own:
        """Return one of the accounts that may begin; raises NotFound."""
        found = next((one for one in self.choices if one.id == number), None)
        if found is None:
            raise NotFound("There is no such exchange account.")
        return found

    def subject_at(self, own: Own) -> Subject:
        """Return the strategy as an account would copy it: by the rules and fees of the account's own exchange."""
        return replace(self.subject, venue=own.health.venue, place=own.place)

    def looking_at(self, asked: frozenset[int]) -> Facing:
        """Return it while these accounts are being looked at."""
        seen = {one.id: replace(one.seen, looking=one.seen.looking or one.id in asked) for one in self.accounts}
        return replace(self, accounts=tuple(replace(one, seen=seen[one.id]) for one in self.accounts))

    def usual(self) -> Asked:
        """Return the form as it is shown first: one account, a sensible amount, the profile in the middle."""
        first = next(iter(self.choices), None)
        profile = Profile.BALANCED if Profile.BALANCED in self.profiles else next(iter(self.profiles), None)
        return Asked(
            account="" if first is None else str(first.id),
            amount=decimal_text(self._amount(first)),
            profile="" if profile is None else profile.value,
        )

    def scale(self, own: Own | None) -> tuple[int, int, int]:
        """Return where the slider begins and ends, and how far apart its places are."""
        low = self.terms.min_allocation or Decimal(10)
        free = own.funds.free if own is not None and own.funds is not None else ZERO
        high = free if free > low else max(_SLIDER_MIN, low * _SLIDER_TIMES)
        step = 10 ** max(high.adjusted() - 2, 0)
        return int(low.to_integral_value(ROUND_CEILING)), int(high), step

    def _amount(self, own: Own | None) -> Decimal:
        """Return what is filled in at first: enough for the trader and the orders, where the account has that."""
        sensible = max(AMOUNT_USUAL, self.terms.min_allocation)
        free = own.funds.free if own is not None and own.funds is not None else sensible
        least = max(self.terms.min_allocation, Decimal(1))
        return max(min(sensible, free), least).quantize(Decimal("0.01"))


def face(slug: str) -> Facing:
    """Read what the pages about copying a strategy need; raises NotFound for one that nobody may see."""
    tenant = current_site().tenant
    if not current_site().features.strategy_pages:
        raise NotFound("This site does not have that page.")
    with transaction() as session:
        subject = subject_of(session, slug)
        (card,) = read_rows(session, [subject.strategy_id], now=current_time(), drawn=False)
        terms = terms_of(session, subject.strategy_id, tenant)
        health = keys_of(session, own_id())
        accounts = _accounts(session, card, [one for one in health if _is_offered(tenant, one)])
    ground = ground_of(tenant)
    board = read_board(whole_database(), [g.tenant_id])
    spot = Spot(g.tenant_id, accounts[0].place if accounts else subject.place, "", subject.strategy_id)
    return Facing(
        tenant=tenant,
        ground=ground,
        subject=subject,
        card=card,
        terms=terms,
        switch=board.stopped(spot),
        accounts=accounts,
        connected=len(health),
        profiles=_profiles(ground),
    )


def _is_offered(tenant: Tenant, one: KeyHealth) -> bool:
    """Tell whether an account can be used, at an exchange that the brand has."""
    offered = {(exchange.venue, exchange.environment) for exchange in tenant.config.exchanges}
    return one.usable and (one.venue, one.environment) in offered


def _accounts(session: TenantSession, card: BoardRow, usable: list[KeyHealth]) -> tuple[Own, ...]:
    numbers = [one.account_id for one in usable]
    copies = copied_with(session, card.id, numbers)
    kin = kinship_denials(session, strategy_id=card.id, account_ids=numbers)
    seen = seen_of(session, usable, card, current_site().tenant.config.currency, current_time())
    return tuple(Own(one, copies.get(one.account_id), kin.get(one.account_id), seen[one.account_id]) for one in usable)


def _profiles(ground: Ground) -> dict[Profile, tuple[Limit, ...]]:
    """Return the brand's profiles; one that has become looser than the platform's limits cannot be chosen."""
    found = {}
    for profile in Profile:
        try:
            found[profile] = profile_of(ground, profile)
        except InvalidInput:
            continue
    return found
