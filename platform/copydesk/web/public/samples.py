"""Fixed values for `/_patterns`, so that every component shows every state without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.replication.desk import CopyReceipt, SignalDetail, SignalReceipt
from copydesk.replication.explain import Decision
from copydesk.replication.model import Bound
from copydesk.replication.moves import Direction
from copydesk.trading import Denial, OrderStatus, SizingMode, SubscriptionState
from copydesk.web.public.standings import sample_rows, strategy_values

D = Decimal


def pattern_values(now: datetime) -> dict[str, Any]:
    """Return what `patterns.html` shows: cards, receipts and every named state and reason."""
    cards, signal = sample_rows(now), _signal(now)
    waiting = replace(
        signal,
        signal_id=9_002,
        exchange="binance",
        symbol="ETH/USDT",
        side="sell",
        position_before=D("0.5"),
        position_after=D(0),
        leverage=None,
        done=0,
        denied=0,
        missed=0,
        in_flight=50,
        top_reason=None,
        top_reason_facts=None,
        latency_ms_p50=None,
        last_ack_ms=None,
        slippage_bps_p50=None,
    )
    return {
        "cards": cards,
        "signals": [signal, waiting],
        "detail": SignalDetail(signal, _copies()),
        **strategy_values(cards, [signal, waiting], now),
        "states": [*SubscriptionState, *OrderStatus],
        "reasons": list(Denial),
        "facts": _FACTS,
    }


_FACTS = {
    "notional": "4.10",
    "minimum": "5",
    "currency": "USDT",
    "allocation": "500",
    "spent": "496.20",
    "allocation_needed": "122",
    "message": "Account has insufficient balance for requested action.",
}


def _signal(now: datetime) -> SignalReceipt:
    return SignalReceipt(
        signal_id=9_001,
        strategy_slug="sample",
        strategy_name="Sample strategy",
        trader_name="Sample Trader",
        exchange="okx",
        symbol="BTC/USDT:USDT",
        side="buy",
        position_before=D(0),
        position_after=D("0.5"),
        leverage=5,
        qty=D("0.5"),
        px=D("64210.12"),
        notional=D("32105.06"),
        venue_at=now - timedelta(seconds=42),
        seen_ms=12,
        stored_ms=15,
        copies=50,
        done=43,
        partial=2,
        missed=1,
        denied=5,
        rejected=1,
        in_flight=0,
        top_reason="below_notional_min",
        top_reason_facts=_FACTS,
        latency_ms_p50=84,
        last_ack_ms=131,
        slippage_bps_p50=D("0.6"),
    )


def _done() -> CopyReceipt:
    return CopyReceipt(
        copy_id=1,
        follower_no=1,
        exchange="okx",
        leg="open",
        direction=Direction.LONG,
        reduces=False,
        leverage=5,
        sizing_mode=SizingMode.EQUITY_RATIO,
        sizing_value=None,
        allocation=D("500"),
        side="buy",
        qty=D("0.004"),
        cum_qty=D("0.004"),
        avg_px=D("64214.02"),
        px_limit=D("64466.90"),
        notional=D("256.85608"),
        status="filled",
        reason=None,
        facts=None,
        slippage_bps=D("0.607"),
        planned_ms=18,
        sent_ms=21,
        acked_ms=84,
        decision=_decision(Bound.STEP),
    )


def _copies() -> list[CopyReceipt]:
    done = _done()
    none = replace(done, cum_qty=D(0), avg_px=None, notional=None, slippage_bps=None)
    skipped = replace(
        none,
        leverage=None,
        qty=D(0),
        px_limit=None,
        status="denied",
        reason="below_notional_min",
        facts=_FACTS,
        sent_ms=None,
        decision=_decision(Bound.NONE, "0.00006", "0"),
    )
    return [
        done,
        replace(
            done,
            copy_id=2,
            follower_no=2,
            exchange="bybit",
            cum_qty=D("0.002"),
            status="canceled",
            reason="price_moved",
            decision=_decision(Bound.ALLOCATION),
        ),
        replace(skipped, copy_id=3, follower_no=3, acked_ms=None, sizing_mode="fixed_notional", sizing_value=D("25")),
        replace(
            none,
            copy_id=4,
            follower_no=4,
            exchange="bitget",
            status="rejected",
            reason="insufficient_balance",
            facts={},
        ),
        replace(
            none,
            copy_id=5,
            follower_no=5,
            leg="top-up",
            status="in_flight",
            acked_ms=None,
            sizing_mode="fixed_ratio",
            decision=_decision(Bound.MINIMUM_ROUNDED_UP, "0.0031"),
        ),
    ]


def _decision(bound: Bound, wanted: str = "0.0042", sent: str = "0.004") -> Decision:
    return Decision(D(wanted), D(sent), D("500"), D(0), bound, D("64466.90"))
