"""What is known of wallets, and what may be asked of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from copydesk.kernel import InvalidInput
from copydesk.venues.model import Wallet

AMOUNT_PLACES = 18


class AskState(StrEnum):
    """WAITING is not sent yet, SENDING may have been; UNKNOWN may have happened, and is never sent again."""

    WAITING = "waiting"
    SENDING = "sending"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


OPEN = (AskState.WAITING, AskState.SENDING)


@dataclass(frozen=True)
class Transfer:
    """Money to be moved between two wallets of one account; `amount` is above 0."""

    currency: str
    amount: Decimal
    source: Wallet
    target: Wallet


@dataclass(frozen=True)
class Ask:
    """What an owner asked for: a transfer, or, without one, another look. `reason` says why it was refused."""

    id: int
    account_id: int
    transfer: Transfer | None
    state: AskState
    reason: str
    made_at: datetime
    done_at: datetime | None


@dataclass(frozen=True)
class WalletBalance:
    """What one wallet holds of a currency; `locked` is tied up in open orders."""

    wallet: Wallet
    currency: str
    free: Decimal
    locked: Decimal
    at: datetime


def require_transfer(wanted: Transfer, wallets: Collection[Wallet], seen: Sequence[WalletBalance]) -> None:
    """Raise InvalidInput for a transfer that cannot work: the same wallet twice, one that the exchange does not keep
    apart, nothing, or more than was last seen there.
    """
    for name, wallet in (("source", wanted.source), ("target", wanted.target)):
        if wallet not in wallets:
            raise InvalidInput(f"{name}: this exchange keeps no {wallet} wallet of its own")
    if wanted.source is wanted.target:
        raise InvalidInput(f"target: expected another wallet than {wanted.source}")
    if not wanted.amount.is_finite() or wanted.amount <= 0:
        raise InvalidInput(f"amount: expected above 0, found {wanted.amount}")
    free = {one.currency: one.free for one in seen if one.wallet is wanted.source}
    most = free.get(wanted.currency, wanted.amount)
    if wanted.amount > most:
        raise InvalidInput(f"amount: expected at most {most:f} {wanted.currency}, found {wanted.amount:f}")
