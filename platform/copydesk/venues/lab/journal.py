"""The lab's append-only journal, the oracle of tests: what was asked, executed and refused.

One JSON object per line with `seq`, `kind`, `at_ms` (epoch milliseconds) and the fields of its kind; decimals as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.model import NEW, TRADE, Event, Execution, NewOrder, OrderUpdate, Reject

FLUSH_AFTER_MS = 50
REQUEST, EXECUTION, ORDER, ACCOUNT, MARK, FAULT = "request", "execution", "order", "account", "mark", "fault"


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        text = str(value)
        return decimal_text(value) if "E" in text else text
    raise TypeError(f"a journal record cannot hold {type(value).__name__}")


class Journal:
    """Write JSON lines with growing `seq`; continues the numbering of an existing file.

    Lines are buffered: `write` flushes when the oldest buffered line is 50 ms old (by the `at_ms` given),
    and the owner calls `flush()` from a timer so that a quiet lab's last lines get out too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seq = _repair(path)
        self._file = path.open("ab")
        self._lines = bytearray()  # A list of short-lived bytes costs page faults: 3 times the time.
        self._oldest_ms = 0.0

    def write(self, kind: str, at_ms: float, record: Mapping[str, Any]) -> int:
        """Append one record and return its `seq`. `record` may hold Decimals."""
        self.seq += 1
        line = {"seq": self.seq, "kind": kind, "at_ms": at_ms, **record}
        if not self._lines:
            self._oldest_ms = at_ms
        self._lines += orjson.dumps(line, _text, orjson.OPT_APPEND_NEWLINE)
        if at_ms - self._oldest_ms >= FLUSH_AFTER_MS:
            self.flush()
        return self.seq

    def events(self, events: Iterable[Event], at_ms: float) -> None:
        """Append the `execution` and `order` records of engine events; only real accounts have any."""
        for event in events:
            if isinstance(event, OrderUpdate):
                if event.change == TRADE:
                    assert event.execution is not None
                    self.write(EXECUTION, at_ms, _execution_record(event, event.execution))
                else:
                    self.write(ORDER, at_ms, _order_record(event))

    def rejected(self, new: NewOrder, reject: Reject, at_ms: float) -> None:
        """Append an `order` record with status REJECTED and the reason."""
        record = {**new._asdict(), "status": "REJECTED", "change": "REJECTED", "reason": reject}
        self.write(ORDER, at_ms, record)

    def flush(self) -> None:
        if self._lines:
            self._file.write(self._lines)
            self._file.flush()
            self._lines.clear()

    def close(self) -> None:
        """Flush and close; may be called twice."""
        if not self._file.closed:
            self.flush()
            self._file.close()


def _execution_record(event: OrderUpdate, execution: Execution) -> dict[str, Any]:
    return {
        "trade_id": execution.trade_id,
        "order_id": execution.order_id,
        "client_order_id": event.order.client_order_id,
        "account": execution.account,
        "symbol": execution.symbol,
        "side": execution.side,
        "px": execution.px,
        "qty": execution.qty,
        "fee": execution.fee,
        "fee_currency": execution.fee_currency,
        "maker": execution.maker,
        "order_cum_qty": event.cum_qty,
        "order_status": event.status,
    }


def _order_record(event: OrderUpdate) -> dict[str, Any]:
    order = event.order
    record: dict[str, Any] = {
        "change": event.change,
        "status": event.status,
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "account": order.account,
        "symbol": order.symbol,
        "cum_qty": event.cum_qty,
        "reason": order.reason if event.change != NEW else None,
    }
    if event.change == NEW:
        record |= {"side": order.side, "type": order.type, "qty": order.qty, "quote_qty": order.quote_qty}
        record |= {"px": order.px, "tif": order.tif}
    return record


def read_journal(path: Path, after_seq: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the records in order; a torn last line (killed writer) is left out, a missing file is empty."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            record = orjson.loads(line)
            if record["seq"] > after_seq:
                yield record


def _repair(path: Path) -> int:
    """Cut a torn last line off an existing journal and return the last `seq` (0 for a new one)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or not path.stat().st_size:
        return 0
    with path.open("rb+") as file:
        size = file.seek(0, 2)
        start = max(0, size - 65_536)
        file.seek(start)
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        file.truncate(start + whole)
    lines = tail[:whole].splitlines()
    return int(orjson.loads(lines[-1])["seq"]) if lines else 0
