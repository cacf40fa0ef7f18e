"""Rules on opening copies. Reducing orders never pass through here: closes are never blocked."""

from __future__ import annotations

from copydesk.trading import Denial, SubscriptionState

_BLOCKED_STATES = {
    SubscriptionState.PAUSED: Denial.SUBSCRIPTION_PAUSED,
    SubscriptionState.DISARMED: Denial.SUBSCRIPTION_DISARMED,
    SubscriptionState.OUT_OF_SYNC: Denial.SUBSCRIPTION_DISARMED,
    SubscriptionState.LIQUIDATED: Denial.SUBSCRIPTION_LIQUIDATED,
    SubscriptionState.ENDING: Denial.SUBSCRIPTION_ENDING,
    SubscriptionState.ENDED: Denial.SUBSCRIPTION_ENDING,
}


def open_denial(
    *,
    state: SubscriptionState,
    usable: bool,
    strategy_live: bool,
    strategy_suspended: bool = False,
    market_allowed: bool,
    trading: bool,
    age_ms: float,
    age_ms_max: int,
) -> Denial | None:
    """Name the first rule that forbids an opening copy, or return None."""
    rules = (
        (not usable, Denial.ACCOUNT_UNUSABLE),
        (state in _BLOCKED_STATES, _BLOCKED_STATES.get(state, Denial.SUBSCRIPTION_PAUSED)),
        (strategy_suspended, Denial.STRATEGY_SUSPENDED),
        (not strategy_live, Denial.STRATEGY_PAUSED),
        (not market_allowed, Denial.MARKET_NOT_ALLOWED),
        (not trading, Denial.INSTRUMENT_HALTED),
        (age_ms > age_ms_max, Denial.SIGNAL_TOO_OLD),
    )
    return next((denial for broken, denial in rules if broken), None)
