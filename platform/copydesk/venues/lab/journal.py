"""The lab's append-only journal, the oracle of tests: what was asked, executed and refused.

One JSON object per line with `seq`, `kind`, `at_ms` (epoch milliseconds) and the fields of its kind; decimals as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.model import NEW, Event, Execution, NewOrder, OrderUpdate, Reject

FLUSH_AFTER_MS = 50
CHUNK_LEN = 65_536
REQUEST, EXECUTION, ORDER, ACCOUNT, MARK, FAULT = "request", "execution", "order", "account", "mark", "fault"
_LINE = orjson.OPT_APPEND_NEWLINE


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        text = str(value)
        return decimal_text(value) if "E" in text else text
    raise TypeError(f"a journal record cannot hold {type(value).__name__}")


class Requested(NamedTuple):
    """One request as the journal tells it. `params` must not hold secrets, nor change afterwards."""

    account: str
    ip: str
    method: str
    path: str
    params: Mapping[str, str]
    status: int
    code: int
    latency_ms: float


class Journal:
    """Write JSON lines with growing `seq`; continues the numbering of an existing file.

    Records are buffered: `write` flushes when the oldest buffered one is 50 ms old (by the `at_ms` given),
    and the owner calls `flush()` from a timer so that a quiet lab's last records get out too. Those of orders and
    requests are put into words only then: in one tight loop that takes half the time, and no order waits for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seq = _repair(path)
        self._file = path.open("ab")
        self._buffer: list[tuple[int, float, bytes | OrderUpdate | Requested]] = []

    def write(self, kind: str, at_ms: float, record: Mapping[str, Any]) -> int:
        """Append one record and return its `seq`. `record` may hold Decimals."""
        line = orjson.dumps({"seq": self.seq + 1, "kind": kind, "at_ms": at_ms, **record}, _text, _LINE)
        self._append(at_ms, line)
        return self.seq

    def request(self, at_ms: float, told: Requested) -> None:
        """Append a `request` record."""
        self._append(at_ms, told)

    def events(self, events: Iterable[Event], at_ms: float) -> None:
        """Append the `execution` and `order` records of engine events; only real accounts have any."""
        for event in events:
            if type(event) is OrderUpdate:
                self._append(at_ms, event)

    def rejected(self, new: NewOrder, reject: Reject, at_ms: float) -> None:
        """Append an `order` record with status REJECTED and the reason."""
        record = {**new._asdict(), "status": "REJECTED", "change": "REJECTED", "reason": reject}
        self.write(ORDER, at_ms, record)

    def _append(self, at_ms: float, entry: bytes | OrderUpdate | Requested) -> None:
        buffer = self._buffer
        self.seq += 1
        buffer.append((self.seq, at_ms, entry))
        if at_ms - buffer[0][1] >= FLUSH_AFTER_MS:
            self.flush()

    def flush(self) -> None:
        if self._buffer:
            entries, self._buffer = self._buffer, []
            lines = bytearray()  # A list of lines would cost page faults: twice the time.
            for seq, at_ms, entry in entries:
                lines += _line(seq, at_ms, entry)
                if len(lines) >= CHUNK_LEN:
                    self._file.write(lines)
                    lines.clear()
            self._file.write(lines)
            self._file.flush()

    def close(self) -> None:
        """Flush and close; may be called twice."""
        if not self._file.closed:
            self.flush()
            self._file.close()


def _line(seq: int, at_ms: float, entry: bytes | OrderUpdate | Requested) -> bytes:
    if isinstance(entry, bytes):
        return entry
    if isinstance(entry, Requested):
        record = _request_record(seq, at_ms, entry)
    elif entry.execution is not None:
        record = _execution_record(seq, at_ms, entry, entry.execution)
    else:
        record = _order_record(seq, at_ms, entry)
    return orjson.dumps(record, _text, _LINE)


def _request_record(seq: int, at_ms: float, told: Requested) -> dict[str, Any]:
    params = told.params
    return {
        "seq": seq,
        "kind": REQUEST,
        "at_ms": at_ms,
        "account": told.account,
        "ip": told.ip,
        "method": told.method,
        "path": told.path,
        "params": params,
        "status": told.status,
        "code": told.code,
        "client_order_id": params.get("newClientOrderId") or params.get("origClientOrderId") or "",
        "latency_ms": round(told.latency_ms, 3),
    }


def _execution_record(seq: int, at_ms: float, event: OrderUpdate, execution: Execution) -> dict[str, Any]:
    trade_id, order_id, account, symbol, side, px, qty, fee, fee_currency, maker, _ = execution
    return {
        "seq": seq,
        "kind": EXECUTION,
        "at_ms": at_ms,
        "trade_id": trade_id,
        "order_id": order_id,
        "client_order_id": event.order.client_order_id,
        "account": account,
        "symbol": symbol,
        "side": side,
        "px": px,
        "qty": qty,
        "fee": fee,
        "fee_currency": fee_currency,
        "maker": maker,
        "order_cum_qty": event.cum_qty,
        "order_status": event.status,
    }


def _order_record(seq: int, at_ms: float, event: OrderUpdate) -> dict[str, Any]:
    order, is_new = event.order, event.change == NEW
    record: dict[str, Any] = {
        "seq": seq,
        "kind": ORDER,
        "at_ms": at_ms,
        "change": event.change,
        "status": event.status,
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "account": order.account,
        "symbol": order.symbol,
        "cum_qty": event.cum_qty,
        "reason": None if is_new else order.reason,
    }
    if is_new:
        record["side"] = order.side
        record["type"] = order.type
        record["qty"] = order.qty
        record["quote_qty"] = order.quote_qty
        record["px"] = order.px
        record["tif"] = order.tif
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
