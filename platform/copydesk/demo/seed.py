"""Fill the two demo brands: accounts on the lab, sealed keys, strategies, subscriptions. Safe to run twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import orjson
from sqlalchemy import select

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.cast import (
    FOLLOWERS_PER_BRAND,
    LEADER_EQUITY,
    PERP,
    QUOTE,
    TRADERS,
    FollowerTerms,
    Trader,
    follower_terms,
    trader_account,
)
from copydesk.demo.lab_control import FUTURES, TRADING, LabControl, LabKey
from copydesk.demo.scene import SCENE, set_stop
from copydesk.identity import Role, User
from copydesk.kernel import decimal_text
from copydesk.replication import SHARDS, NewStrategy, NewSubscription, Strategy, add_strategy, shard_of, subscribe
from copydesk.trading import Environment
from copydesk.vault import NewAccount, add_account
from copydesk.venues import TRAITS


@dataclass(frozen=True)
class TraderSeat:
    """What the traders' program is told: an account name for the log, where it trades, its key, and its plan."""

    account: str
    venue: str
    market: str
    plan: str
    api_key: str
    secret: str
    passphrase: str = ""


class NewPlace(NamedTuple):
    """Whose account is connected, on which exchange, under which name, as the how many-th of the brand."""

    user_id: int
    venue: str
    label: str
    number: int


class BrandSeeder:
    """Create one brand's people, accounts and subscriptions in one transaction.

    The traders' seats are on file before it commits: the vault seals their keys, and the lab shows each only once.
    """

    def __init__(self, runtime: Runtime, lab: LabControl, slug: str, seats_file: Path) -> None:
        self._runtime = runtime
        self._lab = lab
        self._slug = slug
        self._seats_file = seats_file
        self._seats: list[TraderSeat] = []

    def seed(self, followers: int, progress: Callable[[str], None]) -> bool:
        """Fill the brand; False when it was filled before."""
        with self._runtime.db.tenant(self._runtime.tenant_ids[self._slug]) as session:
            if session.scalars(select(Strategy.id).limit(1)).first():
                return False
            strategies = [self._trader(session, trader) for trader in TRADERS[self._slug]]
            for number in range(followers):
                self._follower(session, follower_terms(number, len(strategies)), strategies)
            write_seats(self._seats_file, self._seats)
        progress(f"{self._slug}: {len(strategies)} traders, {followers} followers")
        return True

    def _trader(self, session: TenantSession, trader: Trader) -> int:
        user = self._user(session, trader.slug, trader.person, Role.TRADER)
        account = trader_account(self._slug, trader)
        key = self._open(account, trader.venue, trader.market, LEADER_EQUITY)
        account_id = self._account(session, NewPlace(user, trader.venue, account, 0), key)
        self._seats.append(TraderSeat(account, trader.venue, trader.market, trader.plan, *key))
        return add_strategy(session, NewStrategy(user, account_id, trader.slug, trader.name, trader.summary))

    def _follower(self, session: TenantSession, terms: FollowerTerms, strategies: list[int]) -> None:
        user = self._user(session, f"follower-{terms.number}", f"Follower {terms.number + 1}", Role.FOLLOWER)
        market = TRADERS[self._slug][terms.strategy].market
        account = f"{self._slug}:follower:{terms.number}"
        key = self._open(account, terms.venue, market, terms.funds(market))
        account_id = self._account(session, NewPlace(user, terms.venue, account, terms.number), key)
        new = NewSubscription(
            strategies[terms.strategy], account_id, terms.allocation, terms.sizing_mode, terms.sizing_value
        )
        subscription_id = subscribe(session, new)
        if (self._slug, terms.number) == SCENE[:2]:
            set_stop(session, self._runtime, SCENE, subscription_id)

    def _open(self, account: str, venue: str, market: str, funds: Decimal) -> LabKey:
        """Open an account with its money where the market needs it: exchanges may keep a futures purse apart."""
        wallet = FUTURES if market == PERP and not TRAITS[venue].unified else TRADING
        return self._lab.fund(account, venue, wallet, QUOTE, decimal_text(funds))

    def _user(self, session: TenantSession, mailbox: str, person: str, role: Role) -> int:
        user = User(
            tenant_id=session.tenant_id, email=f"{mailbox}@{self._slug}.invalid", display_name=person, role=role
        )
        session.add(user)
        session.flush()
        return user.id

    def _account(self, session: TenantSession, place: NewPlace, key: LabKey) -> int:
        shard = shard_of(place.venue, Environment.LAB, place.number, self._runtime.number(SHARDS))
        new = NewAccount(place.user_id, place.venue, Environment.LAB, place.label, shard, *key)
        return add_account(session, self._runtime.vault, new)


def seed_demo(
    runtime: Runtime, lab: LabControl, seats_file: Path, progress: Callable[[str], None], *, followers: int = 0
) -> None:
    """Fill every demo brand that is still empty and add its traders' seats to a 0600 file."""
    for slug in TRADERS:
        BrandSeeder(runtime, lab, slug, seats_file).seed(followers or FOLLOWERS_PER_BRAND, progress)


def write_seats(path: Path, seats: Sequence[TraderSeat]) -> None:
    """Add seats to those on file, replacing earlier ones of the same accounts; readable by this user only.

    The file is replaced as a whole, so whoever reads it or interrupts us finds either the old seats or the new.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {seat["account"]: seat for seat in orjson.loads(path.read_bytes())} if path.exists() else {}
    rows |= {seat.account: asdict(seat) for seat in seats}
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    with fresh.open("wb") as file:
        file.write(orjson.dumps(list(rows.values()), option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
