"""What an account holds in each of its exchange's wallets, and moving money between them: never out of the account.

Owns balances as they were last seen and what owners ask for. Whoever holds keys does it (`workers.wallet_desk`): an
asking is stored first, and one whose outcome nobody knows is never sent again.
"""

from copydesk.wallets.model import Ask, AskState, Transfer, WalletBalance
from copydesk.wallets.store import ASKED, ask_look, ask_transfer, asks_of, balances_of, newest_transfer

__all__ = [
    "ASKED",
    "Ask",
    "AskState",
    "Transfer",
    "WalletBalance",
    "ask_look",
    "ask_transfer",
    "asks_of",
    "balances_of",
    "newest_transfer",
]
