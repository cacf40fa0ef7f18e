"""What survives a restart: a snapshot of the engine, and the journal's tail for what came after it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from copydesk.kernel import ConfigError
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.instruments import LAB_INSTRUMENTS
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.recovery import recover

SNAPSHOT = "snapshot.json"
JOURNAL = "journal.jsonl"
KEYS = "keys.jsonl"


@dataclass(frozen=True)
class Loaded:
    """State found on disk; `market_ms` is None in a fresh folder."""

    engine: Engine
    market_ms: float | None


def load(data_dir: Path) -> Loaded:
    """Read the snapshot, if there is one, and apply what the journal says happened later."""
    path = data_dir / SNAPSHOT
    engine, market_ms, seq = Engine(LAB_INSTRUMENTS), None, 0
    if path.exists():
        try:
            saved: dict[str, Any] = orjson.loads(path.read_bytes())
            engine, market_ms, seq = Engine.restore(saved["engine"]), saved["market_ms"], saved["seq"]
        except (ValueError, KeyError) as error:
            raise ConfigError(f"{path}: expected a snapshot that this lab wrote, found {error}") from error
    journal = data_dir / JOURNAL
    if journal.exists():
        recover(engine, read_journal(journal, seq))
    return Loaded(engine, market_ms)


def save(lab: Lab, data_dir: Path) -> None:
    """Write the snapshot beside the old one and swap them, so that a crash leaves one whole file."""
    lab.journal.flush()
    content = orjson.dumps(
        {"seq": lab.journal.seq, "market_ms": lab.market_ms(), "engine": lab.engine.snapshot()},
    )
    fresh = data_dir / f"{SNAPSHOT}.new"
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(data_dir / SNAPSHOT)
