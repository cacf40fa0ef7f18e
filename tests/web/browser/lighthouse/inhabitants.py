"""Who lives in that brand: a follower with copies in every state, a trader at work, a guest, the owner, a visitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from copydesk.db import Database, TenantSession
from copydesk.guests.tables import GuestDemo
from copydesk.identity import User
from copydesk.keys.tables import AccountKey, KeyIntake
from copydesk.notices import Event
from copydesk.notices.model import KIND_FACTS, NoticeKind
from copydesk.notices.store import note
from copydesk.replication.tables import Book
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.studio.tables import AnnouncementRow, StrategyInvite, Watch
from copydesk.terminal import AccountView, HeldPosition
from copydesk.terminal.sending import keep_view
from copydesk.terminal.store import look_at
from copydesk.terminal.tables import TerminalOrder
from copydesk.trading import MarginMode, PositionSide
from copydesk.vault import Vault
from copydesk.wallets.tables import WalletSeen
from matrix_people import PERSONAS, seed_people, signed_in, token_of
from panel_rows import imprint
from risk_seed import seed_risk
from site_seed import NOW, Seeded, seed
from test_notice_words import FACTS
from world import OTHER, PX, SPOT, SWAP, D, Led, copied, lead, place, subscribed, trades

BRAND = "aurora"
ROLES = ("visitor", "follower", "guest", "trader", "owner")
LIMITS = (
    *("drawdown > 10 % of equity -> warn", "drawdown > 20 % of equity -> close_and_disarm"),
    *("loss > 5 % of equity per day -> block_opens", "order > 10 % of equity -> shrink"),
)
_WORDS = "Trades liquid coins on pullbacks, with a stop on every position."
_GUEST = "guest-of-the-world"


@dataclass(frozen=True)
class World:
    """What was stored: brands by name, sessions by role or persona, and what addresses may name."""

    seeded: Seeded
    tokens: dict[str, str]
    subscription_id: int
    account_id: int
    strategy: str
    led: str
    terminal_id: int


def settle(database_url: str, seal: Vault) -> World:
    """Store both brands, and everybody of the first."""
    seeded = seed(database_url)
    database = Database.connect(database_url, pool_size=1)
    try:
        users = seed_people(database, seeded, seal)
        with database.tenant(seeded.tenant_ids[BRAND]) as session:
            ids = {name: users[name, BRAND] for name in ("follower", "trader", "owner")}
            world = _settle(session, seeded, ids)
    finally:
        database.dispose()
    seed_risk(database_url, seeded, BRAND)
    return world


def _settle(session: TenantSession, seeded: Seeded, users: dict[str, int]) -> World:
    imprint(session)
    mara = User(tenant_id=session.tenant_id, email="mara@x.example", display_name="Mara Lindholm", role="trader")
    session.add(mara)
    session.flush()
    steady = lead(session, mara.id, "Steady steps", 1, drift=0.0022, summary=_WORDS)
    others = [
        lead(session, mara.id, name, number, drift=drift, summary=_WORDS)
        for number, (name, drift) in enumerate((("Both ways", 0.0012), ("Short swings", -0.0004)), 2)
    ]
    mine = lead(session, users["trader"], "Night watch", 4, drift=0.0015, summary=_WORDS)
    account_id = _connected(session, users["follower"], "Main account", "binance")
    subscription_id = _follower(session, users["follower"], account_id, [steady, *others, mine])
    _trader(session, users["trader"], mine)
    guest = _guest(session, steady)
    personas = {one.name: token_of(one, BRAND) for one in PERSONAS}
    tokens = {"visitor": "", "guest": guest, **personas}
    return World(seeded, tokens, subscription_id, account_id, steady.slug, mine.slug, mine.account_id)


def _follower(session: TenantSession, user_id: int, account_id: int, led: list[Led]) -> int:
    """Give the follower one copy in each state that asks for something, and the receipts of two."""
    steady, both, short, mine = led
    second = _connected(session, user_id, "Savings", "okx")
    running = subscribed(session, steady, account_id, days=60)
    for symbol, qty, cost in ((SPOT, D("0.005"), D(318)), (OTHER, D("-0.1"), D("322.4"))):
        cash = -cost if qty > 0 else cost
        book = {"qty": qty, "target_qty": qty, "cost": cost, "cash": cash}
        session.add(Book(tenant_id=session.tenant_id, subscription_id=running, symbol=symbol, **book))
    session.flush()
    store_limits(session, LimitOwner(Scope.SUBSCRIPTION, running), LIMITS, "profile:balanced")
    subscribed(session, both, second, days=40, state="paused", allocation=D(400))
    subscribed(session, short, account_id, days=20, state="disarmed", state_reason="risk_stop", allocation=D(250))
    adrift = subscribed(session, mine, account_id, days=9, state="out_of_sync", state_reason="price_moved")
    for copied_one, number, many in ((steady, running, 24), (mine, adrift, 12)):
        for signal in trades(session, copied_one, many):
            copied(session, signal, number, account_id)
    session.add(Watch(tenant_id=session.tenant_id, user_id=user_id, strategy_id=both.id))
    note(
        session,
        [
            Event(kind, user_id, NOW - timedelta(hours=5 * number), _facts(kind, steady, running), f"w{number}")
            for number, kind in reversed(list(enumerate(NoticeKind)))
        ],
    )
    return running


def _facts(kind: NoticeKind, led: Led, subscription_id: int) -> dict[str, str | int | None]:
    named = {**FACTS, "strategy": "Steady steps", "slug": led.slug, "subscription_id": subscription_id}
    return {name: value for name, value in named.items() if name in KIND_FACTS[kind]}


def _connected(session: TenantSession, user_id: int, label: str, venue: str) -> int:
    """Connect an account whose key was examined and whose wallets were read."""
    account_id = place(session, user_id, label, venue=venue)
    scope = {"can_read": True, "can_trade": True}
    key = AccountKey(tenant_id=session.tenant_id, account_id=account_id, scope=scope, due_at=NOW, probed_at=NOW)
    key.rights, key.ip_bound = ["read", "trade"], True
    session.add(key)
    wallets = ("spot", "futures") if venue == "binance" else ("spot", "funding")
    for wallet in wallets:
        for currency, free in (("USDT", D("2411.07")), ("BTC", D("0.01402"))):
            seen = {"wallet": wallet, "currency": currency, "free": free, "locked": D("12.5"), "at": NOW}
            session.add(WalletSeen(tenant_id=session.tenant_id, account_id=account_id, **seen))
    session.flush()
    return account_id


def _trader(session: TenantSession, user_id: int, led: Led) -> None:
    """Let the trader have announced and invited, hold a position, and have orders in several states."""
    _connected(session, user_id, "Second desk", "bybit")
    for days, body in ((9, "Less size this week: the market is thin."), (1, "Back to normal size.\nThank you.")):
        row = AnnouncementRow(tenant_id=session.tenant_id, strategy_id=led.id, body=body, at=NOW - timedelta(days=days))
        session.add(row)
    invite = StrategyInvite(tenant_id=session.tenant_id, strategy_id=led.id, digest=b"world", label="A friend")
    invite.expires_at = NOW + timedelta(days=7)
    session.add(invite)
    position = HeldPosition(
        SWAP, D("0.25"), PositionSide.NET, D(63_100), PX[SWAP], 5, MarginMode.CROSS, D(230), D(51_400)
    )
    view = AccountView(NOW, "USDT", D(100_000), {"USDT": D(81_250)}, (position,), {"BTC": D("0.5")}, ())
    look_at(session, led.account_id, SWAP, at=NOW)
    keep_view(session, led.account_id, view, trouble="", at=NOW)
    orders: tuple[tuple[str, str, Decimal | None, str | None], ...] = (
        ("open", "limit", D(61_500), None),
        ("open", "stop_limit", D(66_000), None),
        ("filled", "market", None, None),
        ("canceled", "limit", D(60_000), None),
        ("rejected", "limit", D(70_000), "insufficient_balance"),
    )
    for number, (state, kind, px, reason) in enumerate(orders):
        at = NOW - timedelta(minutes=11 * (number + 1))
        told = {"state": state, "type": kind, "px": px, "reason": reason, "created_at": at, "sent_at": at}
        told |= {"stop_px": D(65_900) if kind == "stop_limit" else None, "done_at": at if number > 1 else None}
        done = {"cum_qty": D("0.25"), "avg_px": D(63_100)} if state == "filled" else {}
        whose = {"user_id": user_id, "account_id": led.account_id, "strategy_id": led.id}
        what = {"ticket": f"w{number}", "part": "ticket", "symbol": SWAP, "side": "buy", "qty": D("0.25")}
        session.add(TerminalOrder(tenant_id=session.tenant_id, **whose, **what, **told, **done))
    session.flush()


def _guest(session: TenantSession, led: Led) -> str:
    """Store somebody who tries the demo and copies a strategy; returns their session's token."""
    user = User(tenant_id=session.tenant_id, email="guest-1@guest.invalid", display_name="Guest", role="follower")
    user.created_at, user.guest_until = NOW - timedelta(days=3), NOW + timedelta(days=27)
    session.add(user)
    session.flush()
    session.add(signed_in(session.tenant_id, user.id, _GUEST, passed=False))
    account_id = _connected(session, user.id, "Demo account", "okx")
    intake = KeyIntake(tenant_id=session.tenant_id, user_id=user.id, account_id=account_id, venue="okx", due_at=NOW)
    intake.environment, intake.label, intake.state, intake.decided_at = "lab", "Demo account", "accepted", NOW
    session.add(intake)
    session.flush()
    demo = GuestDemo(tenant_id=session.tenant_id, user_id=user.id, lab_account=f"{BRAND}:guest:1", intake_id=intake.id)
    demo.opened_at = user.created_at
    session.add(demo)
    subscription_id = subscribed(session, led, account_id, days=3, allocation=D(750))
    for signal in trades(session, led, 5):
        copied(session, signal, subscription_id, account_id)
    return _GUEST
