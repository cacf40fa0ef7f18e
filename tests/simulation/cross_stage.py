"""Set up a desk across exchanges: one lab, its installation, the roles, and brands seeded through real services."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.identity import Role, User
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, shard_of, subscribe
from copydesk.stack import RoleOptions, Stack, lab_token, role_environment, wait_until
from copydesk.trading import Environment, SizingMode
from copydesk.vault import NewAccount, add_account
from copydesk.venues import TRAITS
from cross_cast import PRICES, TROUPES, VENUES, Cast, Seat, leader_client
from cross_desk import CrossDesk
from simulation_roles import RoleBook
from simulation_stage import DEFAULTS, PROJECT, ROLES, TENANT, open_exchange

_FUNDS = "1000000"
_EXCHANGE = """\
  - venue: {venue}
    environment: lab
    markets: ["{symbol}"]
"""


@dataclass(frozen=True)
class CrossScript:
    """What a file of tests across exchanges wants: all of them want the same."""


@contextmanager
def open_cross(stack: Stack, root: Path) -> Iterator[CrossDesk]:
    """Run a desk on servers that run, with an installation of its own under `root`."""
    _write_installation(root)
    options = RoleOptions(root=root, var_dir=root / "var")
    options.var_dir.mkdir()
    token = lab_token(options.var_dir / "lab")
    roles = RoleBook(options, dict(os.environ), root / "log")
    roles.log_dir.mkdir()
    runtime, casts = None, {troupe.slug: Cast(troupe) for troupe in TROUPES}
    try:
        exchange = open_exchange(roles, options, token)
        for base, px in PRICES.items():
            exchange.pin(f"{base}USDT", px)
        roles.environment = role_environment(os.environ, stack, options, lab=False) | {
            "COPYDESK_LAB_REST": exchange.rest,
            "COPYDESK_LAB_STREAM": exchange.stream,
        }
        runtime = Runtime(roles.environment)
        desk = CrossDesk(stack, exchange, roles, runtime, casts)
        for cast in casts.values():
            _seed(desk, cast)
        for role in ROLES:
            roles.start(role)
        assert wait_until(lambda: _watched(desk), patience_s=30, poll_s=0.05), desk.where()
        for cast in casts.values():
            if cast.troupe.perpetual:
                desk.await_prepared(cast)
        yield desk
    finally:
        roles.stop_all()
        if runtime is not None:
            for cast in casts.values():
                if cast.client is not None:
                    cast.client.session.close()
            exchange.control.__exit__()
            runtime.close()


def _write_installation(root: Path) -> None:
    (root / "config").mkdir(parents=True)
    (root / "config" / "defaults.yaml").write_text(
        DEFAULTS.replace("equity_sample_ms: 20000", "equity_sample_ms: 2000")
    )
    (root / "themes").symlink_to(PROJECT / "themes")
    for troupe in TROUPES:
        folder = root / "tenants" / troupe.slug
        folder.mkdir(parents=True)
        brand, _, _ = TENANT.format(slug=troupe.slug, market="", more="").partition("exchanges:")
        offered = "".join(_EXCHANGE.format(venue=venue, symbol=troupe.symbol) for venue in VENUES)
        (folder / "tenant.yaml").write_text(f"{brand}exchanges:\n{offered}")
        for image in ("logo.svg", "favicon.svg"):
            (folder / image).write_text("<svg/>")


def _seed(desk: CrossDesk, cast: Cast) -> None:
    """Create a brand's people through the real services; the leader's key stays with the plain ccxt client."""
    troupe, runtime = cast.troupe, desk.runtime
    with runtime.db.tenant(runtime.tenant_ids[troupe.slug]) as session:
        cast.leader = f"{troupe.slug}:leader"
        user_id, account_id, key = _account(desk, session, cast.leader, troupe.leads_on, Role.TRADER)
        strategy = add_strategy(session, NewStrategy(user_id, account_id, "steady", "Steady", "Buys and sells."))
        cast.client = leader_client(troupe, desk.exchange.rest, desk.exchange.stream, key)
        for number in range(troupe.each * len(VENUES)):
            venue, ratio = VENUES[number % len(VENUES)], Decimal(50 + 7 * number) / 1000
            name = f"{troupe.slug}:{venue}:{number}"
            _, account_id, _ = _account(desk, session, name, venue, Role.FOLLOWER)
            subscribe(session, NewSubscription(strategy, account_id, Decimal(90_000), SizingMode.FIXED_RATIO, ratio))
            cast.seats.append(Seat(name, venue, ratio))


def _account(
    desk: CrossDesk, session: TenantSession, name: str, venue: str, role: Role
) -> tuple[int, int, dict[str, str]]:
    control = desk.exchange.control
    control.call("POST", "accounts", {"account": name, "venue": venue, "balances": {"USDT": _FUNDS}})
    if not TRAITS[venue].unified:
        control.call("POST", "deposits", {"account": name, "asset": "USDT", "qty": _FUNDS, "wallet": "futures"})
    key = control.call("POST", "keys", {"account": name, "permissions": ["read", "trade", "perp"]})
    slug = name.partition(":")[0]
    user = User(tenant_id=session.tenant_id, email=f"{name}@{slug}.invalid", display_name=name, role=role)
    session.add(user)
    session.flush()
    shard = shard_of(venue, Environment.LAB, 0, 1)
    secrets = (key["apiKey"], key["secret"], key.get("passphrase") or "")
    new = NewAccount(user.id, venue, Environment.LAB, name, shard, *secrets)
    return user.id, add_account(session, desk.runtime.vault, new), key


def _watched(desk: CrossDesk) -> bool:
    """Tell whether the listener follows every leader."""
    exchanges = desk.exchange.control.call("GET", "state")["exchanges"]
    return all(cast.leader in exchanges[cast.troupe.leads_on]["streams"] for cast in desk.casts.values())
