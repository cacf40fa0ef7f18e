"""Fixed values of the risk desk for `/_patterns`, so that every piece of it shows every state without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.replication import (
    EXCHANGE_STOP,
    Adrift,
    CopiedPerpetual,
    Held,
    Near,
    News,
    NewsKind,
    PositionStop,
    RiskPicture,
    Stand,
    StandingPicture,
    StopFill,
    StopStanding,
)
from copydesk.replication.standing_picture import About
from copydesk.risk import Reach, Stops, ThrownSwitch
from copydesk.risk.acts import Act, ActState
from copydesk.risk.equity_rules import Level
from copydesk.risk.gauge import Distance
from copydesk.risk.grammar import parse
from copydesk.risk.limits import Holding
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.profiles import Profile
from copydesk.risk.protection import ProtectiveState
from copydesk.risk.readings import Reading
from copydesk.risk.status import LateAct, WatchNow
from copydesk.trading import PositionSide, Side, SubscriptionState
from copydesk.venues import FundingRate
from copydesk.web.act_words import reach_words, standing_note, who_words
from copydesk.web.news_words import news_words
from copydesk.web.risk.acts import late_line, own_lines
from copydesk.web.risk.exchange_stops import ExchangeStops, brand_stops, own_perpetual
from copydesk.web.risk.picture import HeldLine, NearLine, OwnRisk, RiskDesk
from copydesk.web.risk.prices import Feed

D = Decimal
_STOP = Scoped(Scope.SUBSCRIPTION, parse("drawdown > 20 % of equity -> close_and_disarm"))
_LOSS = Scoped(Scope.TENANT, parse("loss > 5 % of equity per day -> block_opens"))
_GAIN = Scoped(Scope.SUBSCRIPTION, parse("profit > 50 % of equity -> close"))
_ORDER = Scoped(Scope.PLATFORM, parse("order > 1000 USDT -> shrink"))
_POSITIONS = Scoped(Scope.TENANT, parse("positions > 5 -> block_opens"))
_ETH = ("ETH/USDT:USDT", PositionSide.NET)
_WIDE = Scoped(Scope.PLATFORM, parse("drawdown > 50 % of equity -> close_and_disarm"))


def risk_values(now: datetime) -> dict[str, Any]:
    """Return what the patterns of the risk desk show."""
    return {"desk": _desk(now), "own": _own(now)}


def _desk(now: datetime) -> RiskDesk:
    near = (
        _near(17, _STOP, Level(D(795), D(800), floor=True), D(1)),
        _near(18, _LOSS, Level(D(962), D(950), floor=True), D("0.76")),
        _near(19, _GAIN, Level(D(1080), D(1500), floor=False), D("0.16")),
    )
    watch = WatchNow(age_s=0.4, copy_id=1, holders=120, stops=1, doubts=2, behind=0)
    picture = RiskPicture(watch, tuple(line.near for line in near), 2, (), (("subscription", 21),), (), (), (), ())
    switch = ThrownSwitch(1, 1, Reach.INSTRUMENT, "BTC/USDT", Stops.ALL, "The exchange halts withdrawals.", "Mara", now)
    return RiskDesk(
        picture,
        "USDT",
        now,
        now,
        (Feed("binance-lab", now),),
        near,
        (
            HeldLine("Sample strategy", Held("sample", D(12_300), D(4_100), 9, 0), D("0.75"), D("0.25")),
            HeldLine("First week", Held("young", D(0), D(2_050), 2, 1), D(0), D("0.125")),
        ),
        (HeldLine("BTC/USDT", Held("BTC/USDT", D(12_300), D(6_150), 11, 1), D("0.66"), D("0.34")),),
        (HeldLine("Binance", Held("binance-live", D(12_300), D(6_150), 11, 1), D("0.66"), D("0.34")),),
        (who_words("subscription", 21),),
        tuple(late_line(act, {act.reference: _FILLS}, {}) for act in _late(now)),
        3,
        4,
        (Adrift(23, "Sample strategy", "exchange_stop"),),
        ((reach_words(switch.reach, switch.subject), switch),),
        _stops(now),
    )


_CLOSED_AT = {"kind": EXCHANGE_STOP, "symbol": "ETH/USDT:USDT", "trigger": "2700", "closed": "0.4", "px": "2701.5"}
_FILLS = (StopFill("BTC/USDT", "sell", D("0.012"), D("770.52")),)


def _late(now: datetime) -> list[LateAct]:
    at = now - timedelta(minutes=4)
    facts = {"now": "795", "at": "800", "suspected_at": at.isoformat()}
    line = "drawdown > 20 % of equity -> close_and_disarm"
    flagged = LateAct(
        "one", "subscription", 21, 21, line, "close_and_disarm", ActState.FLAGGED, facts, at, at + _moment(140), None
    )
    return [
        flagged,
        replace(flagged, reference="two", subject_id=22, subscription_id=22, state=ActState.CLOSING),
        replace(flagged, reference="three", state=ActState.CLOSED, ended_at=at + _moment(1_900)),
        replace(flagged, reference="four", state=ActState.BLOCKED, sent_at=None),
    ]


def _moment(ms: int) -> timedelta:
    return timedelta(milliseconds=ms)


def _near(number: int, scoped: Scoped, level: Level, full: Decimal) -> NearLine:
    equity = level.now
    near = Near("subscription", number, "sample", scoped, equity, equity, level, level.left / equity)
    return NearLine(near, who_words("subscription", number), "Sample strategy", number, full)


def _own(now: datetime) -> OwnRisk:
    at_prices = (
        Distance(Holding(_STOP, (_WIDE,)), _reading("810", "800", "10"), D(810)),
        Distance(Holding(_GAIN), _reading("810", "1500", "690"), D(810)),
        Distance(Holding(_LOSS), None, D(810)),
    )
    at_orders = (
        Distance(Holding(_ORDER), Reading(None, D(1000), None), D(810)),
        Distance(Holding(_POSITIONS), _reading("2", "5", "3"), D(810)),
    )
    acts = (
        Act("one", "subscription", 17, 17, "drawdown > 10 % of equity -> warn", "warn", ActState.WARNED, {}, now),
        Act("three", "position", 17, 17, "stop at the exchange: ETH/USDT:USDT at 2700", "close", ActState.CLOSED,
            _CLOSED_AT, now),
        Act("two", "strategy", 1, None, "loss > 5 % of equity per day -> block_opens", "block_opens",
            ActState.BLOCKED, {}, now),
    )  # fmt: skip
    about = About(SubscriptionState.PAUSED, "risk_soft_stop", D(1000), "Sample strategy", "sample", "suspended")
    copied = _perpetual(now)
    rests, refused = _own_stops(now)
    picture = StandingPicture(
        about, D(810), D(1000), Profile.BALANCED, (), (), ("ETH/USDT:USDT",), acts, {"one": _FILLS}
    )
    return OwnRisk(
        17,
        picture,
        "USDT",
        now,
        (),
        standing_note(about.state, about.state_reason),
        at_prices,
        at_orders,
        tuple(own_lines(acts, {}, about.strategy)),
        ((now, news_words(News(1, 1, NewsKind.RESUMED, None, {}, now))),),
        tuple(own_perpetual(copied, [StopStanding(17, *_ETH, stop)]) for stop in (rests, refused)),
    )


def _stops(now: datetime) -> ExchangeStops:
    standings = [StopStanding(number, *_ETH, stop) for number, stop in enumerate((*_own_stops(now), None), 17)]
    return brand_stops(standings, wanted=True)


def _own_stops(now: datetime) -> tuple[PositionStop, PositionStop]:
    """Return one that rests, and one that the exchange has refused."""
    rests = PositionStop(ProtectiveState.RESTING, Side.BUY, D("0.4"), D(2_700), now - timedelta(seconds=12), None)
    return rests, rests._replace(state=ProtectiveState.REFUSED, reason="-2021: Order would immediately trigger.")


def _perpetual(now: datetime) -> CopiedPerpetual:
    stand = Stand(D("-0.4"), 10, None, None, D(2_500), D(2_740), D("0.096"), now)
    rate = FundingRate(D("0.0001"), 0)
    return CopiedPerpetual(
        17, "sample", "binance", "ETH/USDT:USDT", PositionSide.NET, D("-0.4"), None, stand, D("-0.12"), rate, D("0.1")
    )


def _reading(now: str, at: str, left: str) -> Reading:
    return Reading(D(now), D(at), D(left))
