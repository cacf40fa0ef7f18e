"""What the demo's traders announce to whoever copies or watches them: a word at the first start, then now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import count
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from copydesk.bootstrap import Runtime
from copydesk.demo.cast import TRADERS, Trader
from copydesk.kernel import utc_now
from copydesk.replication import Strategy
from copydesk.studio.announcing import announce, announcements_of

EVERY_S = 600.0
_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "steps": (
            "I buy in two steps and take half off the table before I leave. Spot only: nothing here is borrowed.",
            "Quiet markets: my steps stay as small as they are. I add nothing just to be busy.",
            "Prices move more than usual. I keep to two steps and leave a little earlier.",
        ),
        "ladder": (
            "I go up and down a ladder of three rungs. A small account copies but the larger trades: see the minimum.",
            "The third rung is on hold until the spread is back to normal. The first two go on.",
        ),
        "turns": (
            "I am long or short, and I turn round in one order when my view changes. Expect a larger trade then.",
            "Two turns in one day are more than I like. The next one waits for a clearer picture.",
            "Leverage stays at three. Who copies with less is sized by their own limit.",
        ),
        "shorts": (
            "Mostly short, as always: I sell rallies in two steps and buy back in two.",
            "Funding costs shorts a little at present. I hold them for shorter.",
        ),
        "swings": (
            "I double once, never twice. Where a range breaks against me I swing to the other side.",
            "No trade for a while is a decision too: the range holds.",
        ),
    }
)


def words_of(plan: str) -> tuple[str, ...]:
    """Return what a trader of a plan announces, one after the other."""
    return _WORDS[plan]


def turns() -> Iterator[tuple[str, Trader]]:
    """Give every trader of every brand in turn, without end."""
    cast = [(slug, trader) for slug, traders in TRADERS.items() for trader in traders]
    return (cast[number % len(cast)] for number in count())


def speak(runtime: Runtime, slug: str, trader: Trader, at: datetime, *, first: bool = False) -> None:
    """Publish what a trader says next, or, if `first`, what one says who was silent until now."""
    with runtime.db.tenant(runtime.tenant_ids[slug]) as session:
        strategy_id = session.scalars(select(Strategy.id).where(Strategy.slug == trader.slug)).one_or_none()
        if strategy_id is None:
            return
        said = [one.body for one in announcements_of(session, strategy_id, most=1)]
        if not (first and said):
            words = words_of(trader.plan)
            after = words.index(said[0]) + 1 if said and said[0] in words else 0
            announce(session, strategy_id, words[after % len(words)], at=at)


def introduce(runtime: Runtime, at: datetime) -> None:
    """Let every trader who has announced nothing yet say a first word."""
    for slug, traders in TRADERS.items():
        for trader in traders:
            speak(runtime, slug, trader, at, first=True)


def speak_now_and_then(runtime: Runtime, ended: Callable[[float], bool]) -> None:
    """Let one trader after the other announce something, until `ended` (which waits for so many seconds) says so."""
    upcoming = turns()
    while not ended(EVERY_S):
        slug, trader = next(upcoming)
        try:
            speak(runtime, slug, trader, utc_now())
        except OperationalError:
            continue  # The database starts again: the next trader speaks.
