"""Says where and what was traded: spot or perpetual, the move of a position, the leverage."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.performance.board import BoardRow, Position
from copydesk.replication.desk import CopyReceipt, SignalReceipt
from copydesk.replication.moves import Direction, Move
from copydesk.web.decisions import leg_facts
from copydesk.web.format import isolated
from copydesk.web.words import exchange_name

_MOVES: dict[Move, LazyString] = {
    Move.OPENS_LONG: lazy_gettext("opens long"),
    Move.ADDS_TO_LONG: lazy_gettext("adds to long"),
    Move.REDUCES_LONG: lazy_gettext("reduces long"),
    Move.CLOSES_LONG: lazy_gettext("closes long"),
    Move.OPENS_SHORT: lazy_gettext("opens short"),
    Move.ADDS_TO_SHORT: lazy_gettext("adds to short"),
    Move.REDUCES_SHORT: lazy_gettext("reduces short"),
    Move.CLOSES_SHORT: lazy_gettext("closes short"),
    Move.TURNS_LONG: lazy_gettext("turns to long"),
    Move.TURNS_SHORT: lazy_gettext("turns to short"),
}

# By whether spot and whether perpetuals are traded.
_MARKETS: dict[tuple[bool, bool], LazyString] = {
    (True, False): lazy_gettext("spot"),
    (False, True): lazy_gettext("perpetual"),
    (True, True): lazy_gettext("spot and perpetual"),
}

_DIRECTIONS: dict[Direction, LazyString] = {
    Direction.LONG: lazy_gettext("long"),
    Direction.SHORT: lazy_gettext("short"),
}


def traded_at(signal: SignalReceipt) -> list[str]:
    """Name the trader's exchange and the market."""
    return [exchange_name(signal.exchange), _market(perpetual=signal.perpetual)]


def traded_as(signal: SignalReceipt) -> list[str]:
    """Say what a trade on a perpetual did to the trader's position, and at which leverage; nothing on spot."""
    return [move_words(signal.move), *leverage_words(signal.leverage)] if signal.move else []


def copied_as(copy: CopyReceipt, signal: SignalReceipt) -> list[str]:
    """Name the follower's exchange, what else than a plain copy it is, and of a perpetual the side and leverage.

    Where the trader turned, and where a repair was needed, the order does something else than the trader's: then also
    whether it opens or closes.
    """
    where = [exchange_name(copy.exchange), *leg_facts(copy.leg)]
    if copy.direction is None:
        return where
    alike = copy.leg in ("open", "close") and not signal.turns
    move = Move(f"{'closes' if copy.reduces else 'opens'}_{copy.direction}")
    did = direction_words(copy.direction) if alike else move_words(move)
    return [*where, did, *leverage_words(copy.leverage)]


def trades_at(card: BoardRow) -> list[str]:
    """Name a strategy's exchange, what it trades there and the highest leverage, as far as these are known."""
    markets = _MARKETS.get((card.spot, card.perpetual))
    top = [gettext("up to %(leverage)s leverage", leverage=_times(card.leverage_max))] if card.leverage_max else []
    return [exchange_name(card.exchange), *([str(markets)] if markets else []), *top]


def held_as(position: Position) -> list[str]:
    """Say whether a position is spot or a perpetual, and then its side and leverage."""
    if ":" not in position.symbol:
        return [_market(perpetual=False)]
    side = direction_words(Direction.SHORT if position.qty < 0 else Direction.LONG)
    return [_market(perpetual=True), side, *leverage_words(position.leverage)]


def move_words(move: Move) -> str:
    """Name a move."""
    return str(_MOVES[move])


def direction_words(direction: Direction) -> str:
    """Name a side of a perpetual."""
    return str(_DIRECTIONS[direction])


def side_words(side: str) -> str:
    """Name the side of a position that was closed."""
    return direction_words(Direction(side))


def leverage_words(leverage: int | None) -> list[str]:
    """Name a leverage; nothing where it is not known."""
    return [gettext("%(leverage)s leverage", leverage=_times(leverage))] if leverage else []


def market_of(symbol: str) -> str:
    """Say whether a ccxt symbol is spot or a perpetual."""
    return _market(perpetual=":" in symbol)


def _market(*, perpetual: bool) -> str:
    return str(_MARKETS[not perpetual, perpetual])


def _times(leverage: int | None) -> str:
    return isolated(f"{leverage}×")
