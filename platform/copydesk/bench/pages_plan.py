"""How much there is behind the pages that are measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FULL_SUBSCRIPTIONS, FULL_RECEIPTS = 1_000, 100_000
_ACCOUNTS_MORE = 3


@dataclass(frozen=True)
class PagesPlan:
    """So many subscriptions and receipts of one follower, followers and signals of one trader.

    Each page is asked `rounds` times, after `warm` times that do not count. The last `fanned` signals of the trader
    were copied by all followers, those before by a few.
    """

    subscriptions: int = FULL_SUBSCRIPTIONS
    receipts: int = FULL_RECEIPTS
    followers: int = 1_000
    signals: int = 2_000
    fanned: int = 200
    notices: int = 10_000
    rounds: int = 30
    warm: int = 5
    plain: bool = True

    @property
    def copied_again(self) -> int:
        """Return how many strategies each of the follower's other accounts copies as well."""
        return self.subscriptions // 20

    @property
    def strategies(self) -> int:
        return self.subscriptions - _ACCOUNTS_MORE * self.copied_again

    @property
    def ended(self) -> int:
        return self.subscriptions // 25

    @property
    def rounds_copied(self) -> int:
        """Return how many signals of each strategy the follower has receipts of."""
        return -(-self.receipts // self.subscriptions)

    @property
    def full(self) -> bool:
        """Tell whether the bar holds for what is measured."""
        return self.subscriptions >= FULL_SUBSCRIPTIONS and self.receipts >= FULL_RECEIPTS
