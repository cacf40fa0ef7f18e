"""Fixed values for `/_patterns`, so that every component shows every state without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.replication.desk import CopyReceipt, SignalDetail, SignalReceipt
from copydesk.replication.explain import Decision
from copydesk.replication.leaderboard import Position, StrategyCard, StrategyPage
from copydesk.replication.model import Bound
from copydesk.replication.moves import Direction
from copydesk.trading import Denial, OrderStatus, SizingMode, SubscriptionState

D = Decimal
_SPARK = (100, 101, 103, 102, 106, 104, 107, 111, 109, 108, 112, 115, 113, 117, 116, 119, 118, 121, 120, 124)


def pattern_values(now: datetime) -> dict[str, Any]:
    """Return what `patterns.html` shows: cards, receipts and every named state and reason."""
    card, signal = _card(now), _signal(now)
    young = replace(card, id=2, slug="young", name="First week", record_days=D("6.2"))
    fallen = replace(card, id=3, slug="fallen", name="Rough month", return_ratio=D("-0.083"), equity=D("9170.00"))
    empty = replace(
        card,
        id=4,
        slug="new",
        name="Not yet traded",
        record_days=D(0),
        return_ratio=None,
        drawdown_max_ratio=None,
        drawdown_now_ratio=None,
        equity=None,
        success_ratio=None,
        slippage_bps_p50=None,
        latency_ms_p50=None,
        spark=(),
    )
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
        "cards": [card, young, fallen, empty],
        "signals": [signal, waiting],
        "detail": SignalDetail(signal, _copies()),
        "page": StrategyPage(
            card,
            [
                Position("BTC/USDT:USDT", D("-0.5"), D("64210.12"), D("-32105.06"), 5),
                Position("ETH/USDT", D("4.2"), D("2511.84"), D("10549.73"), None),
            ],
            [signal, waiting],
            {"synced": 41, "catching_up": 5, "out_of_sync": 1, "paused": 2, "disarmed": 1},
            [("below_notional_min", 12), ("allocation_spent", 3)],
        ),
        "states": [*SubscriptionState, *OrderStatus],
        "reasons": list(Denial),
        "facts": _FACTS,
        "sort": "return",
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


def _card(now: datetime) -> StrategyCard:
    spark = tuple((now - timedelta(hours=len(_SPARK) - i), D(value) * 100) for i, value in enumerate(_SPARK))
    return StrategyCard(
        id=1,
        slug="sample",
        name="Sample strategy",
        summary="Buys strength in liquid coins and sells when it fades.",
        status="live",
        trader_name="Sample Trader",
        exchange="okx",
        spot=True,
        perpetual=True,
        leverage_max=5,
        started_at=now - timedelta(days=94),
        record_days=D("94.1"),
        return_ratio=D("0.2412"),
        drawdown_max_ratio=D("0.0815"),
        drawdown_now_ratio=D("0.0121"),
        equity=D("12412.00"),
        followers=50,
        copies_done=4_312,
        copies_expected=4_480,
        success_ratio=D("0.9625"),
        slippage_bps_p50=D("0.6"),
        latency_ms_p50=84,
        spark=spark,
    )


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
