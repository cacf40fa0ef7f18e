"""A brand's news as its open pages hear them: read from Redis, and told to each person as server-sent events.

Reads the log that `bootstrap.news` writes. An event carries ids only, and goes to nobody but whom it concerns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import orjson
from redis.asyncio import Redis

from copydesk.bootstrap.news import NEWS_FIELD, NEWS_KEPT, news_key
from copydesk.web.live_concerned import Copied

# Kinds that name the person themselves.
PERSONAL = frozenset({"notice", "order", "equity", "position", "receipt"})
_OF_LEADER = frozenset({"signal", "margin", "leverage"})
_OF_STATE = frozenset({"risk", "subscription"})


class Position(NamedTuple):
    """A place in a brand's log: the id of a Redis stream's entry. Source: Redis documentation, Streams."""

    ms: int
    number: int = 0

    def __str__(self) -> str:
        return f"{self.ms}-{self.number}"

    @classmethod
    def read(cls, text: str) -> Position | None:
        """Read what `str` wrote; None for anything else."""
        ms, _, number = text.partition("-")
        if not (ms.isascii() and ms.isdigit() and number.isascii() and number.isdigit()):
            return None
        place = cls(int(ms), int(number))
        return place if max(place) < 2**63 else None


BEGIN, END = Position(0), Position(2**62)


@dataclass(frozen=True, slots=True)
class News:
    """One entry of a log, with the ids that it names."""

    at: Position
    kind: str
    signal_id: int | None = None
    strategy_id: int | None = None
    subscription_id: int | None = None
    user_id: int | None = None
    shard: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a log held after a place. With `cut` there was something before its `first` entry that is not kept."""

    news: Sequence[News]
    first: Position
    newest: Position
    cut: bool

    def misses(self, since: Position) -> bool:
        """Tell whether something after a place may be gone."""
        return self.cut and self.first > since


@dataclass(frozen=True, slots=True)
class Found:
    """Whom news concern: copies by signal, followers and trader by strategy, owners by subscription."""

    copies: Mapping[int, Sequence[Copied]] = field(default_factory=dict)
    followers: Mapping[int, frozenset[int]] = field(default_factory=dict)
    owners: Mapping[int, int] = field(default_factory=dict)


async def read_log(redis: Redis, tenant_id: int, after: Position) -> Reading:
    """Read all that came after a place. Raises `RedisError`."""
    key = news_key(tenant_id)
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.xrange(key, f"({after}", "+")
        pipeline.xrange(key, "-", "+", count=1)
        pipeline.xrevrange(key, "+", "-", count=1)
        pipeline.xlen(key)
        entries, first, last, length = await pipeline.execute()
    news = [read for entry, fields in entries if (read := _news(entry, fields)) is not None]
    if not last:
        return Reading((), BEGIN, BEGIN, cut=False)
    # As long as there is room for more, nothing was ever left out.
    return Reading(news, _place(first[0][0]), _place(last[0][0]), cut=length >= NEWS_KEPT)


def told(news: Iterable[News], found: Found, users: frozenset[int]) -> dict[int, list[tuple[Position, bytes]]]:
    """Return for each of the users what they are told, in the order of the log, each thing once. Pure."""
    latest: dict[tuple[int, str, bytes], Position] = {}
    for one in news:
        for user_id, event, data in _events(one, found):
            if user_id in users:
                key = (user_id, event, data)
                latest.pop(key, None)
                latest[key] = one.at
    frames: dict[int, list[tuple[Position, bytes]]] = {}
    # Many are told the same, and that is written once.
    write = cache(me_frame)
    for (user_id, event, data), at in reversed(latest.items()):
        own = frames.setdefault(user_id, [])
        # Of several events of one entry only the last has its id: whoever breaks off before it gets all of them again.
        last = not own or own[-1][0] != at
        own.append((at, write(event, data, at if last else None)))
    for written in frames.values():
        written.reverse()
    return frames


def me_frame(event: str, data: bytes, at: Position | None) -> bytes:
    """Write one server-sent event of one line. Source: HTML Living Standard, §9.2.6."""
    place = b"" if at is None else b"id: %d-%d\n" % at
    return b"event: %b\n%bdata: %b\n\n" % (event.encode(), place, data)


def _events(one: News, found: Found) -> Iterator[tuple[int, str, bytes]]:
    """Say who is told what of one piece of news."""
    if one.kind in PERSONAL:
        if one.user_id is not None:
            yield one.user_id, one.kind, b"{}"
    elif one.kind == "copies" and one.signal_id is not None:
        for copied in found.copies.get(one.signal_id, ()):
            if not one.shard or copied.shard == one.shard:
                subscription = copied.subscription_id
                yield copied.user_id, "position", orjson.dumps({"subscription": subscription})
                yield copied.user_id, "receipt", orjson.dumps({"signal": one.signal_id, "subscription": subscription})
    elif one.kind in _OF_STATE and one.subscription_id is not None:
        if (owner := found.owners.get(one.subscription_id)) is not None:
            yield owner, "position", orjson.dumps({"subscription": one.subscription_id})
    elif one.strategy_id is not None and one.kind in _OF_STRATEGY:
        event, data = _OF_STRATEGY[one.kind], orjson.dumps(_about(one))
        for user_id in found.followers.get(one.strategy_id, ()):
            yield user_id, event, data


_OF_STRATEGY = {**dict.fromkeys(_OF_LEADER, "signal"), **dict.fromkeys(_OF_STATE, "position"), "figures": "equity"}


def _about(one: News) -> dict[str, int | None]:
    about = {"strategy": one.strategy_id}
    return about if one.signal_id is None else {"signal": one.signal_id, **about}


def _news(entry: bytes, fields: Mapping[bytes, bytes]) -> News | None:
    """Read an entry; None for one that is not ours."""
    try:
        said = orjson.loads(fields[NEWS_FIELD])
        ids = {name: _number(said.get(name)) for name in ("signal_id", "strategy_id", "subscription_id", "user_id")}
        return News(_place(entry), str(said["type"]), **ids, shard=str(said.get("shard", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**63 else None


def _place(entry: bytes) -> Position:
    ms, _, number = entry.partition(b"-")
    return Position(int(ms), int(number))
