"""The fault suite's stage: servers, a lab, links, roles that are kept, and two brands seeded by the real services."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.db.migrate import migrate
from copydesk.demo.lab_control import LabControl, LabKey
from copydesk.faults.audit import Holding
from copydesk.faults.cast import ALLOCATION, FUNDS, PRICES, TROUPES, Cast, Follower, Troupe, open_client
from copydesk.faults.journal import Tail
from copydesk.faults.links import Links, Place
from copydesk.faults.roles import Roles, lab_command
from copydesk.identity import Role, User
from copydesk.kernel import Unavailable
from copydesk.marks import Marks, place_name
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, shard_of, subscribe, unsettled_count
from copydesk.stack import (
    APP_ROLE,
    DATABASE,
    RoleOptions,
    Stack,
    embedded_stack,
    lab_token,
    role_environment,
    spawn,
    stop,
    wait_until,
)
from copydesk.trading import Environment, SizingMode
from copydesk.vault import NewAccount, add_account
from copydesk.venues import TRAITS
from copydesk.venues.budgets import begin_anew

Say = Callable[[str], None]
POSTGRES, REDIS, REST, STREAM = "postgres", "redis", "rest", "stream"
_OPENS_S = 30.0
_CALM = Decimal("0.05")  # So far a public price may be from what the lab was told.
_PREPARED = text("SELECT count(*) FROM account_setup WHERE symbol = :symbol AND leverage > 0")

_ORDERS_KNOWN = text("SELECT count(DISTINCT venue_order_id) FROM signal WHERE symbol = :symbol")
_OPEN_COPIES = text(
    """
    SELECT string_agg(line, ', ') FROM (
        SELECT count(*) || ' ' || shard || ' ' || status || coalesce(' ' || reason, '') AS line FROM copy
        WHERE status IN ('planned', 'in_flight', 'accepted', 'partially_filled') GROUP BY shard, status, reason
        UNION ALL SELECT count(*) || ' deliveries to ' || shard FROM delivery WHERE drained_at IS NULL GROUP BY shard
    ) AS lines
    """
)

# Short waits, so that many faults fit into an hour; few connections, so that a fan-out takes several round trips.
DEFAULTS = """\
replication:
  lease_ms: 700
  reconcile_every_ms: 1000
  unknown_wait_ms: 2500
  equity_sample_ms: 20000
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
"""
_EXCHANGE = """\
  - venue: {venue}
    environment: lab
    markets: ["{symbol}"]
"""


@dataclass(frozen=True)
class Setting:
    """How large a stage is: followers of each brand, the lab's seed, and the folder that is the stage's own."""

    followers: int
    seed: int
    root: Path
    themes: Path


@dataclass
class Stage:
    """Everything that a fault may harm, and the journal by which it is judged."""

    root: Path
    stack: Stack
    links: Links
    lab: LabControl
    lab_pid: int
    roles: Roles
    runtime: Runtime
    tail: Tail
    casts: dict[str, Cast]
    lab_places: tuple[str, str]
    carried: Holding = field(default_factory=dict)

    @property
    def trap(self) -> Path:
        """Name the file in which the roles look for a failpoint to act at."""
        return self.root / "trap"

    def tenant_file(self, cast: Cast) -> Path:
        """Name a brand's file."""
        return self.root / "tenants" / cast.troupe.slug / "tenant.yaml"

    def settled(self) -> bool:
        """Tell whether every order of the leaders is known and nothing waits for anything.

        This is where the desk's own rows are asked, and it only decides when to look into the journal. False too while
        PostgreSQL is away.
        """
        try:
            return all(
                self.scalar(cast, _ORDERS_KNOWN, symbol=cast.troupe.symbol) == cast.orders
                and not self._of(cast, unsettled_count)
                for cast in self.casts.values()
            )
        except SQLAlchemyError:
            return False

    def waiting(self) -> list[str]:
        """Say for each brand what is waited for, for whoever looks into a failure."""
        said = []
        for slug, cast in self.casts.items():
            known = self.scalar(cast, _ORDERS_KNOWN, symbol=cast.troupe.symbol)
            open_copies = self.scalar(cast, _OPEN_COPIES)
            said.append(f"{slug}: {known} of {cast.orders} orders known, waiting: {open_copies or 'nothing'}")
        return said

    def scalar(self, cast: Cast, query: Any, **params: Any) -> Any:
        """Ask one figure of a brand's rows."""
        return self._of(cast, lambda session: session.execute(query, params).scalar())

    def change(self, cast: Cast, query: Any, **params: Any) -> None:
        """Change a brand's rows as its people would by the site."""
        self._of(cast, lambda session: session.execute(query, params))

    def heal(self) -> None:
        """Take every fault away: nothing is frozen, cut, delayed, trapped or scripted any more."""
        self.trap.unlink(missing_ok=True)
        self.links.heal()
        self.stack.heal()
        self.roles.thaw_all()
        self.lab.call("DELETE", "faults")
        self.lab.call("POST", "rtt", {"ms": 0})
        wait_until(self._prices_are_calm, patience_s=_OPENS_S, poll_s=0.05)

    def _prices_are_calm(self) -> bool:
        """Tell whether no public price is a faulty one any more: on its word opens are rightly refused."""
        marks = Marks(self.runtime.redis)
        read = [
            (troupe, marks.fresh(place_name(venue, Environment.LAB), [troupe.symbol])[troupe.symbol].px)
            for troupe in TROUPES
            for venue in troupe.crowd
        ]
        return all(px is None or abs(px / PRICES[f"{troupe.base}USDT"] - 1) < _CALM for troupe, px in read)

    def _of(self, cast: Cast, read: Callable[[TenantSession], Any]) -> Any:
        with self.runtime.db.tenant(self.runtime.tenant_ids[cast.troupe.slug]) as session:
            return read(session)


@contextmanager
def staged(setting: Setting, environ: Mapping[str, str], say: Say) -> Iterator[Stage]:
    """Run a stage for as long as the block lasts. Raises Unavailable where it does not come up."""
    root = setting.root
    _write_installation(setting)
    options = RoleOptions(root=root, var_dir=root / "var")
    with ExitStack() as cleanup:
        stack = cleanup.enter_context(embedded_stack(options.var_dir, durable=False, say=say))
        migrate(stack.owner_url)
        begin_anew(stack.redis_url)
        links = Links()
        cleanup.callback(links.close)
        lab_dir = options.var_dir / "lab"
        token = lab_token(lab_dir)
        process = spawn(lab_command(lab_dir, setting.seed), stack.var.log / "lab.log", env=dict(environ))
        cleanup.callback(stop, process)
        places = _await_lab(stack.var.log / "lab.log")
        lab = cleanup.enter_context(LabControl(places["control"], token))
        for symbol, px in PRICES.items():
            lab.call("POST", "marks", {"symbol": symbol, "px": str(px)})
        lab.call("POST", "depth", {"factor": "100"})
        direct = role_environment(environ, stack, options, lab=False) | _lab_addresses(places["rest"], places["ws"])
        direct.pop("COPYDESK_FAILPOINT", None)
        runtime = Runtime(direct)
        cleanup.callback(runtime.close)
        roles = Roles(options, direct | _linked(links, root, stack, places), stack.var.log)
        casts = {troupe.slug: Cast(troupe) for troupe in TROUPES}
        tail = Tail(lab_dir / "journal.jsonl", lab)
        stage = Stage(root, stack, links, lab, process.pid, roles, runtime, tail, casts, (places["rest"], places["ws"]))
        say(f"opening {setting.followers} followers of each of {len(casts)} brands")
        for cast in casts.values():
            _seed(stage, cast, setting.followers, places)
            cleanup.callback(cast.client.session.close)
        roles.start()
        cleanup.callback(roles.stop)
        _await_ready(stage)
        yield stage


def _linked(links: Links, root: Path, stack: Stack, places: Mapping[str, Any]) -> dict[str, str]:
    """Open a link to everything that the roles speak to, and return the environment that leads them there."""
    assert stack.postgres is not None and stack.redis is not None, "the stage has servers of its own"
    sockets = root / "links"
    sockets.mkdir(mode=0o755)
    pg_file = ".s.PGSQL.5432"
    links.open(POSTGRES, Place(sockets / pg_file), Place(stack.var.sockets / "pg" / pg_file))
    links.open(REDIS, Place(sockets / "redis.sock"), Place(stack.var.sockets / "redis.sock"))
    rest = links.open(REST, Place(), Place(port=places["rest_port"])).port
    stream = links.open(STREAM, Place(), Place(port=places["ws_port"])).port
    return {
        "DATABASE_URL": f"postgresql://{APP_ROLE}@/{DATABASE}?host={sockets}",
        "REDIS_URL": f"unix://{sockets}/redis.sock?db=0",
        "COPYDESK_FAILPOINT": f"@{root / 'trap'}",
        **_lab_addresses(f"http://127.0.0.1:{rest}", f"ws://127.0.0.1:{stream}"),
    }


def _lab_addresses(rest: str, stream: str) -> dict[str, str]:
    return {"COPYDESK_LAB_REST": rest, "COPYDESK_LAB_STREAM": stream}


def _await_lab(log: Path) -> dict[str, Any]:
    """Wait for the line in which a starting lab tells its addresses."""

    def said() -> list[bytes]:
        return [line for line in log.read_bytes().splitlines() if b"rest_port" in line] if log.exists() else []

    if not wait_until(lambda: bool(said()), patience_s=_OPENS_S, poll_s=0.05):
        raise Unavailable(f"the lab does not start; see {log}")
    places: dict[str, Any] = orjson.loads(said()[-1])
    return places


def _await_ready(stage: Stage) -> None:
    """Wait until the leaders are heard and every account is set up for its perpetual."""

    def ready() -> bool:
        heard = all(stage.lab.view(cast.leader)["streams"] for cast in stage.casts.values())
        return heard and all(
            stage.scalar(cast, _PREPARED, symbol=cast.troupe.symbol) == len(cast.followers)
            for cast in stage.casts.values()
            if cast.troupe.perpetual
        )

    if not wait_until(ready, patience_s=2 * _OPENS_S, poll_s=0.1):
        raise Unavailable(f"the desk is not ready within {2 * _OPENS_S:.0f} s; see {stage.stack.var.log}")


def _write_installation(setting: Setting) -> None:
    root = setting.root
    (root / "config").mkdir(parents=True)
    (root / "config" / "defaults.yaml").write_text(DEFAULTS)
    (root / "themes").symlink_to(setting.themes)
    for troupe in TROUPES:
        folder = root / "tenants" / troupe.slug
        folder.mkdir(parents=True)
        venues = [_EXCHANGE.format(venue=venue, symbol=troupe.symbol) for venue in troupe.crowd]
        (folder / "tenant.yaml").write_text(TENANT.format(slug=troupe.slug) + "".join(venues))
        for image in ("logo.svg", "favicon.svg"):
            (folder / image).write_text("<svg/>")


def _seed(stage: Stage, cast: Cast, followers: int, places: Mapping[str, Any]) -> None:
    """Create a brand's people through the real services; the leader's key stays with the plain ccxt client."""
    troupe, runtime = cast.troupe, stage.runtime
    with runtime.db.tenant(runtime.tenant_ids[troupe.slug]) as session:
        cast.leader = f"{troupe.slug}:leader"
        user_id, account_id, key = _account(stage, session, troupe, cast.leader, troupe.venue, Role.TRADER)
        strategy = add_strategy(session, NewStrategy(user_id, account_id, "steady", "Steady", "Buys and sells."))
        cast.client = open_client(troupe, places["rest"], places["ws"], key)
        for number, venue in enumerate(_venues(troupe, followers)):
            name, ratio = f"{troupe.slug}:follower:{number}", Decimal(50 + number % 50) / 1000
            _, account_id, key = _account(stage, session, troupe, name, venue, Role.FOLLOWER)
            subscribe(session, NewSubscription(strategy, account_id, ALLOCATION, SizingMode.FIXED_RATIO, ratio))
            cast.followers.append(Follower(name, venue, ratio, account_id, key))


def _venues(troupe: Troupe, followers: int) -> list[str]:
    """Spread followers over exchanges; what does not divide goes to the first one."""
    found = [venue for venue, share in troupe.crowd.items() for _ in range(int(followers * share))]
    return found + [next(iter(troupe.crowd))] * (followers - len(found))


def _account(
    stage: Stage, session: TenantSession, troupe: Troupe, name: str, venue: str, role: Role
) -> tuple[int, int, LabKey]:
    stage.lab.call("POST", "accounts", {"account": name, "venue": venue, "balances": {"USDT": FUNDS}})
    if troupe.perpetual and not TRAITS[venue].unified:
        stage.lab.call("POST", "deposits", {"account": name, "asset": "USDT", "qty": FUNDS, "wallet": "futures"})
    key = stage.lab.issue_key(name)
    user = User(tenant_id=session.tenant_id, email=f"{name}@{troupe.slug}.invalid", display_name=name, role=role)
    session.add(user)
    session.flush()
    shard = shard_of(venue, Environment.LAB, 0, 1)
    new = NewAccount(user.id, venue, Environment.LAB, name, shard, *key)
    return user.id, add_account(session, stage.runtime.vault, new), key
