"""What survives a restart: a snapshot of every exchange, and the journal's tail for what came after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from copydesk.kernel import ConfigError
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.keys import KeyRing
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.world import World

SNAPSHOT = "snapshot.json"
JOURNAL = "journal.jsonl"
VERSION = 2


@dataclass(frozen=True)
class Saved:
    """A snapshot as found on disk. `seq` is the journal's place when it was taken."""

    seq: int
    market_ms: float
    exchanges: Mapping[str, Any]


def read(data_dir: Path) -> Saved | None:
    """Read the snapshot; None in a fresh folder."""
    path = data_dir / SNAPSHOT
    if not path.exists():
        return None
    try:
        saved: dict[str, Any] = orjson.loads(path.read_bytes())
        if saved.get("version") != VERSION:
            raise ValueError(f"version {saved.get('version')!r}")
        return Saved(saved["seq"], saved["market_ms"], saved["exchanges"])
    except (ValueError, KeyError) as error:
        raise ConfigError(f"{path}: expected a snapshot that this lab wrote, found {error}") from error


def fill(world: World, saved: Saved | None, data_dir: Path) -> None:
    """Put every listed exchange into the world, as saved and as the journal says happened later."""
    seq, states = (saved.seq, saved.exchanges) if saved is not None else (0, {})
    for listing in LISTINGS.values():
        exchange = Exchange(world, listing, keys=KeyRing(data_dir / f"keys-{listing.venue}.jsonl"))
        if listing.venue in states:
            exchange.restore(states[listing.venue])
        world.exchanges[listing.venue] = exchange
    tails: dict[str, list[dict[str, Any]]] = {}
    for record in read_journal(data_dir / JOURNAL, seq):
        tails.setdefault(record["venue"], []).append(record)
    for venue, records in tails.items():
        world.exchanges[venue].recover(records)


def save(world: World, data_dir: Path) -> None:
    """Write the snapshot beside the old one and swap them, so that a crash leaves one whole file."""
    world.journal.flush()
    content = orjson.dumps(
        {
            "version": VERSION,
            "seq": world.journal.seq,
            "market_ms": world.market_ms(),
            "exchanges": {exchange.venue: exchange.snapshot() for exchange in world.exchanges.values()},
        },
    )
    fresh = data_dir / f"{SNAPSHOT}.new"
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(data_dir / SNAPSHOT)
