"""What is free in an exchange account for copies of a strategy, as far as it is known, and having it looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.keys import KeyHealth
from copydesk.performance.model import BoardRow
from copydesk.replication.begin import promised_to_copies
from copydesk.venues import TRAITS, Wallet
from copydesk.wallets import Ask, AskState, WalletBalance, ask_look, asks_of, balances_of

# What is older is not told any more; what is younger needs no new look.
_KNOWN_FOR, _FRESH_FOR = timedelta(days=1), timedelta(minutes=2)
# A look that takes longer than this is not waited for on the page.
_WAITED_FOR = timedelta(seconds=15)
_LOOKING = frozenset({AskState.WAITING, AskState.SENDING})


@dataclass(frozen=True)
class Funds:
    """What is free in the wallets that a strategy trades from, and what other copies of the account may use of it."""

    free: Decimal
    promised: Decimal
    at: datetime


@dataclass(frozen=True)
class Seen:
    """What is known of one account; `looking` while the exchange is being asked."""

    funds: Funds | None
    looking: bool


def seen_of(
    session: TenantSession, accounts: Sequence[KeyHealth], card: BoardRow, currency: str, now: datetime
) -> dict[int, Seen]:
    """Return what is known of accounts, by account."""
    numbers = [one.account_id for one in accounts]
    balances, promised = balances_of(session, numbers), promised_to_copies(session, numbers)
    asks = asks_of(session, numbers) if numbers else []
    found = {}
    for one in accounts:
        held = balances.get(one.account_id, [])
        at = max((balance.at for balance in held), default=now - 2 * _KNOWN_FOR)
        funds = Funds(_free(held, _wallets(one.venue, card), currency), promised.get(one.account_id, ZERO), at)
        looking = any(_is_looked_at(ask, now) for ask in asks if ask.account_id == one.account_id)
        found[one.account_id] = Seen(funds if now - at <= _KNOWN_FOR else None, looking)
    return found


def have_looked_at(session: TenantSession, seen: dict[int, Seen], now: datetime) -> frozenset[int]:
    """Ask for a look at every account of which nothing young is known, and return which those are."""
    asked = [
        account
        for account, one in seen.items()
        if not one.looking and (one.funds is None or now - one.funds.at > _FRESH_FOR)
    ]
    for account in asked:
        ask_look(session, account, at=now)
    return frozenset(asked)


def _free(balances: Iterable[WalletBalance], wallets: frozenset[Wallet], currency: str) -> Decimal:
    return sum((one.free for one in balances if one.wallet in wallets and one.currency == currency), ZERO)


def _wallets(venue: str, card: BoardRow) -> frozenset[Wallet]:
    """Return the wallets that pay for a strategy's copies; where an exchange has one purse, that is the spot one."""
    traded = {Wallet.FUTURES} if card.perpetual else set()
    traded |= {Wallet.SPOT} if card.spot or not card.perpetual else set()
    return frozenset(traded & TRAITS[venue].wallets) or frozenset({Wallet.SPOT})


def _is_looked_at(ask: Ask, now: datetime) -> bool:
    return ask.transfer is None and ask.state in _LOOKING and now - ask.made_at <= _WAITED_FOR
