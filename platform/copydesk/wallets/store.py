"""Balances as they were last seen, and askings: made by owners, taken up and ended by the desk that holds keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import Refused
from copydesk.trading import Environment
from copydesk.vault import Account
from copydesk.venues import Balance, Wallet
from copydesk.wallets.model import OPEN, Ask, AskState, Transfer, WalletBalance, require_transfer
from copydesk.wallets.tables import WalletAsk, WalletSeen

# The name of the installation's number that moves with every asking (`keys.versions`).
ASKED = "wallets"
ASKS_SHOWN = 20
# A desk that took something up and has not ended it by then is gone.
TAKEN_FOR = timedelta(minutes=1)
# So many may wait of one account: whoever asks more is told to wait.
OPEN_MAX = 5
_TAKE = text(
    """
    UPDATE wallet_ask SET state = 'sending', taken_at = :now WHERE id IN (
        SELECT id FROM wallet_ask WHERE state = 'waiting' ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)


@dataclass(frozen=True)
class TakenAsk:
    """An asking that this desk does now, and where its account is."""

    ask: Ask
    venue: str
    environment: Environment
    egress: str


def balances_of(session: Session, account_ids: Sequence[int]) -> dict[int, list[WalletBalance]]:
    """Return what accounts held when they were last looked at, by account; who was never looked at is left out."""
    query = select(WalletSeen).where(WalletSeen.account_id.in_(account_ids))
    found: dict[int, list[WalletBalance]] = {}
    for row in session.scalars(query.order_by(WalletSeen.account_id, WalletSeen.wallet, WalletSeen.currency)):
        seen = WalletBalance(Wallet(row.wallet), row.currency, row.free, row.locked, row.at)
        found.setdefault(row.account_id, []).append(seen)
    return found


def asks_of(session: Session, account_ids: Sequence[int]) -> list[Ask]:
    """Return the newest askings of accounts, the newest first."""
    query = select(WalletAsk).where(WalletAsk.account_id.in_(account_ids)).order_by(WalletAsk.id.desc())
    return [_ask(row) for row in session.scalars(query.limit(ASKS_SHOWN))]


def ask_look(session: TenantSession, account_id: int, *, at: datetime) -> None:
    """Have an account's wallets looked at; one look that waits already is enough."""
    waits = select(WalletAsk.id).where(
        WalletAsk.account_id == account_id, WalletAsk.amount.is_(None), WalletAsk.state == AskState.WAITING
    )
    if session.scalar(waits.limit(1)) is None:
        session.add(WalletAsk(tenant_id=session.tenant_id, account_id=account_id, made_at=at))


def newest_transfer(session: Session, account_id: int) -> tuple[int, Transfer | None]:
    """Return the number of the transfer of an account that was asked for last, and what it is; 0 where none was."""
    query = select(WalletAsk).where(WalletAsk.account_id == account_id, WalletAsk.amount.is_not(None))
    row = session.scalars(query.order_by(WalletAsk.id.desc()).limit(1)).one_or_none()
    return (0, None) if row is None else (row.id, _ask(row).transfer)


def ask_transfer(
    session: TenantSession,
    account_id: int,
    wanted: Transfer,
    wallets: frozenset[Wallet],
    *,
    after: int,
    actor: Actor,
    at: datetime,
) -> int:
    """Store a transfer, recorded, and return its number.

    `after` is the newest one that its owner had seen (`newest_transfer`). The same transfer again is the one that is
    stored, for a form may come twice. Raises InvalidInput for one that cannot work, and Refused where another one was
    asked for meanwhile, or where too many wait.
    """
    # Two at once are stored one after the other.
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    newest, stored = newest_transfer(session, account_id)
    if newest > after and stored == wanted:
        return newest
    if newest != after:
        raise Refused("Another transfer was asked for meanwhile; look at it first.", code="transfer_meanwhile")
    require_transfer(wanted, wallets, balances_of(session, [account_id]).get(account_id, []))
    waiting = select(func.count()).where(
        WalletAsk.account_id == account_id, WalletAsk.amount.is_not(None), WalletAsk.state.in_(OPEN)
    )
    if (session.scalar(waiting) or 0) >= OPEN_MAX:
        raise Refused(f"{OPEN_MAX} transfers of this account wait already; wait until one is done.")
    row = WalletAsk(tenant_id=session.tenant_id, account_id=account_id, made_at=at, **_columns(wanted))
    session.add(row)
    session.flush()
    told = {name: value if isinstance(value, str) else f"{value:f}" for name, value in _columns(wanted).items()}
    record(session, session.tenant_id, actor, "wallet.transfer", f"account:{account_id}", at=at, after=told)
    return row.id


def take_asks(session: TenantSession, now: datetime, *, limit: int) -> list[TakenAsk]:
    """Take up what waits; what a desk took up that is gone is waited for no longer."""
    _give_up(session, now)
    ids = session.execute(_TAKE, {"now": now, "limit": limit}).scalars().all()
    joined = (Account.tenant_id == WalletAsk.tenant_id) & (Account.id == WalletAsk.account_id)
    query = select(WalletAsk, Account).join(Account, joined).where(WalletAsk.id.in_(ids)).order_by(WalletAsk.id)
    return [
        TakenAsk(_ask(row), account.venue, Environment(account.environment), account.egress or "")
        for row, account in session.execute(query)
    ]


def end_ask(session: TenantSession, ask_id: int, state: AskState, reason: str, *, at: datetime) -> None:
    """Store what became of an asking; `AskState.WAITING` has it taken up again, since nothing was sent."""
    done = None if state is AskState.WAITING else at
    ended = update(WalletAsk).where(WalletAsk.id == ask_id, WalletAsk.state == AskState.SENDING)
    session.execute(ended.values(state=state, reason=reason, done_at=done))


def keep_balances(
    session: TenantSession, account_id: int, seen: Mapping[Wallet, Mapping[str, Balance]], *, at: datetime
) -> None:
    """Store what an account holds now in place of what it held; of several at once one after the other."""
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))
    session.execute(delete(WalletSeen).where(WalletSeen.account_id == account_id))
    session.add_all(
        WalletSeen(
            tenant_id=session.tenant_id,
            account_id=account_id,
            wallet=str(wallet),
            currency=currency,
            free=balance.free,
            locked=balance.locked,
            at=at,
        )
        for wallet, coins in seen.items()
        for currency, balance in coins.items()
    )


def _give_up(session: TenantSession, now: datetime) -> None:
    """A look is made again; of a transfer nobody knows whether it was sent, so that nobody sends it again."""
    gone = update(WalletAsk).where(WalletAsk.state == AskState.SENDING, WalletAsk.taken_at < now - TAKEN_FOR)
    session.execute(gone.where(WalletAsk.amount.is_(None)).values(state=AskState.WAITING))
    unknown = {"state": AskState.UNKNOWN, "reason": "", "done_at": now}
    session.execute(gone.where(WalletAsk.amount.is_not(None)).values(unknown))


def _columns(transfer: Transfer) -> dict[str, str | Decimal]:
    return {
        "currency": transfer.currency,
        "amount": transfer.amount,
        "source": str(transfer.source),
        "target": str(transfer.target),
    }


def _ask(row: WalletAsk) -> Ask:
    transfer = None
    if row.amount is not None and row.currency and row.source and row.target:
        transfer = Transfer(row.currency, row.amount, Wallet(row.source), Wallet(row.target))
    return Ask(row.id, row.account_id, transfer, AskState(row.state), row.reason, row.made_at, row.done_at)
