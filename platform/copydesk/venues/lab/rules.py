"""What differs between exchanges in how orders live; data, so that one engine serves all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderRules:
    """Order handling of one exchange.

    A post-only order that would take is refused as WOULD_TAKE, or with `post_only_cancels` accepted and canceled
    (OKX, Bybit, Bitget). With `conditional_keeps_id` the order that a conditional places has the conditional's id
    (Bybit, Binance spot), else one of its own. Orders that ended without a fill are found for `unfilled_kept_ms`
    after that, 0 for ever.
    """

    post_only_cancels: bool = False
    conditional_keeps_id: bool = False
    conditionals_max: int = 200
    unfilled_kept_ms: int = 0
