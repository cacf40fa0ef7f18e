"""Put a desk on stage: an installation on disk, the lab, the roles, and two brands seeded through the real services."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from copydesk.bootstrap import Runtime
from copydesk.identity import Role, User
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, shard_of, subscribe
from copydesk.stack import RoleOptions, Stack, lab_token, role_environment, wait_until
from copydesk.trading import Environment, SizingMode
from copydesk.vault import NewAccount, add_account
from simulation_desk import SEED, Cast, Desk
from simulation_exchange import Exchange
from simulation_roles import RoleBook

ROLES = ("listener", "replicator", "relay")
PRICES = {"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(2_500)}
PROJECT = Path(__file__).parents[2]

# Few connections, so that a fan-out takes several round trips and a fault can fall into its middle.
DEFAULTS = """\
replication:
  lease_ms: 1000
  reconcile_every_ms: 1000
  unknown_wait_ms: 2500
  equity_sample_ms: 20000
  # Roles are killed and start again here, which takes a busy machine many seconds; how old is too old has its own test.
  signal_age_ms_max: 120000
risk:
  # Prices are set by hand here, and leap: only a doubling within five seconds keeps anything from being opened.
  volatility_bps_max: 10000
  volatility_window_s: 5
  protective_verify_s: 5
venues:
  connections_max: 20
  connections_warm: 20
"""
TENANT = """\
schema: 1
brand:
  name: {slug}
  tagline: Copies under fire
  hosts: [{slug}.example]
  theme: aurora
  colors: {{brand: "#112233"}}
  logo: logo.svg
  favicon: favicon.svg
locales: [en]
locale_default: en
exchanges:
  - venue: binance
    environment: lab
    markets: [{market}]
{more}"""


@dataclass(frozen=True)
class Script:
    """What a file of tests wants: followers by brand, and how old a trade the second brand still opens.

    With `perpetuals` the first brand trades its pair's perpetual as well, and its accounts have money for that;
    `limits` are that brand's, and then the risk role runs too; with `protective` it keeps stops at the exchange.
    `leverage_max` is that brand's bound, `margin_mode` what its followers' perpetuals are opened in.
    """

    north: int = 40
    south: int = 20
    south_age_ms: int = 120_000
    perpetuals: bool = False
    limits: tuple[str, ...] = ()
    protective: bool = False
    leverage_max: int = 5
    margin_mode: str = "cross"


@contextmanager
def open_desk(stack: Stack, root: Path, script: Script) -> Iterator[Desk]:
    """Run a desk on servers that run, with an installation of its own under `root`."""
    _write_installation(root, script)
    options = RoleOptions(root=root, var_dir=root / "var")
    options.var_dir.mkdir()
    token = lab_token(options.var_dir / "lab")
    roles = RoleBook(options, dict(os.environ), root / "log")
    roles.log_dir.mkdir()
    runtime = None
    try:
        exchange = open_exchange(roles, options, token)
        roles.environment = role_environment(os.environ, stack, options, lab=False) | {
            "COPYDESK_LAB_REST": exchange.rest,
            "COPYDESK_LAB_STREAM": exchange.stream,
        }
        runtime = Runtime(roles.environment)
        desk = Desk(stack, exchange, roles, runtime, {})
        for role in (*ROLES, *(["risk"] if script.limits else [])):
            roles.start(role)
        for slug, symbol in (("north", "BTCUSDT"), ("south", "ETHUSDT")):
            perpetuals = script.perpetuals and slug == "north"
            desk.casts[slug] = _seed(desk, Cast(slug, symbol), getattr(script, slug), perpetuals=perpetuals)
        assert wait_until(lambda: _watched(desk), patience_s=30, poll_s=0.05), desk.where()
        yield desk
    finally:
        roles.stop_all()
        if runtime is not None:
            for cast in desk.casts.values():
                cast.client.session.close()
            exchange.control.__exit__()
            runtime.close()


def _write_installation(root: Path, script: Script) -> None:
    (root / "config").mkdir(parents=True)
    (root / "config" / "defaults.yaml").write_text(DEFAULTS)
    (root / "themes").symlink_to(PROJECT / "themes")
    brands = (
        ("north", 'BTC/USDT, "BTC/USDT:USDT"' if script.perpetuals else "BTC/USDT", _more(script)),
        ("south", "ETH/USDT", f"replication:\n  signal_age_ms_max: {script.south_age_ms}\n"),
    )
    for slug, market, more in brands:
        folder = root / "tenants" / slug
        folder.mkdir(parents=True)
        (folder / "tenant.yaml").write_text(TENANT.format(slug=slug, market=market, more=more))
        for image in ("logo.svg", "favicon.svg"):
            (folder / image).write_text("<svg/>")


def _more(script: Script) -> str:
    bounds = f"  leverage_max: {script.leverage_max}\n  margin_mode: {script.margin_mode}\n"
    return f"replication:\n{bounds}{_risk(script)}"


def _risk(script: Script) -> str:
    limits = "".join(f'    - "{line}"\n' for line in script.limits)
    return f"risk:\n  protective_stops: {str(script.protective).lower()}\n  limits:\n{limits}" if limits else ""


def open_exchange(roles: RoleBook, options: RoleOptions, token: str) -> Exchange:
    """Start a lab and hold its prices."""
    lab = options.var_dir / "lab"
    command = [sys.executable, "-m", "copydesk.venues.lab", "--rest-port", "0", "--ws-port", "0", "--seed", str(SEED)]
    roles.launch("lab", [*command, "--data-dir", str(lab), "--token-file", str(lab / "token")])
    exchange = Exchange.connect(roles.log("lab"), lab, token)
    for symbol, px in PRICES.items():
        exchange.pin(symbol, px)
    return exchange


def _seed(desk: Desk, cast: Cast, followers: int, *, perpetuals: bool) -> Cast:
    """Create a brand's people through the real services; the leader's key stays with the plain ccxt client."""
    runtime, control = desk.runtime, desk.exchange.control
    shard = shard_of("binance", Environment.LAB, 0, 1)
    with runtime.db.tenant(runtime.tenant_ids[cast.slug]) as session:

        def account(name: str, role: Role, funds: str) -> tuple[int, int, str, str]:
            key, secret = control.open_account(name, {"USDT": funds})
            if perpetuals:
                key, secret = desk.exchange.with_perpetuals(name, funds)
            user = User(tenant_id=session.tenant_id, email=f"{name}@{cast.slug}.invalid", display_name=name, role=role)
            session.add(user)
            session.flush()
            new = NewAccount(user.id, "binance", Environment.LAB, name, shard, key, secret)
            return user.id, add_account(session, runtime.vault, new), key, secret

        cast.leader = f"{cast.slug}:leader"
        user_id, account_id, cast.leader_key, secret = account(cast.leader, Role.TRADER, "1000000")
        strategy = add_strategy(session, NewStrategy(user_id, account_id, "steady", "Steady", "Buys and sells."))
        for number in range(followers):
            name, ratio = f"{cast.slug}:follower:{number}", Decimal(50 + number % 50) / 1000
            _, account_id, cast.keys[name], _ = account(name, Role.FOLLOWER, "100000")
            sizing = NewSubscription(strategy, account_id, Decimal(90_000), SizingMode.FIXED_RATIO, ratio)
            subscribe(session, sizing)
            cast.ratios[name] = ratio
    cast.client = desk.exchange.client(cast.leader_key, secret)
    cast.client.load_markets()
    return cast


def _watched(desk: Desk) -> bool:
    """Tell whether the listener follows every leader and the replicator has opened the exchange."""
    streams = desk.exchange.control.call("GET", "state")["exchanges"]["binance"]["streams"]
    return all(cast.leader in streams for cast in desk.casts.values())
