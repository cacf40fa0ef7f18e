"""The lab's append-only journal, the oracle of tests: what was asked, executed and refused.

One JSON object per line with `seq`, `kind`, `at_ms` (epoch milliseconds), `venue` and the fields of its kind;
decimals as text. Records of orders and executions name their `market`, "spot" or "perp".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.model import (
    AMENDED,
    FILLED,
    NEW,
    SPOT,
    Attached,
    Event,
    Execution,
    NewOrder,
    Order,
    OrderUpdate,
    Reject,
)
from copydesk.venues.lab.records import record_of
from copydesk.venues.lab.stencil import Form, Words

FLUSH_AFTER_MS = 50
# The file's own buffer gathers lines: a list of them would cost page faults, twice the time.
BUFFER_LEN = 262_144
REQUEST, EXECUTION, ORDER, ACCOUNT, MARK, FAULT = "request", "execution", "order", "account", "mark", "fault"
_LINE = orjson.OPT_APPEND_NEWLINE
_dumps = orjson.dumps


def plain(value: Decimal) -> str:
    """Write a decimal as the journal has it: as it is, but without an exponent."""
    text = str(value)
    return decimal_text(value) if "E" in text else text


def _text(value: object) -> str | dict[str, Any]:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Attached):
        return value._asdict()
    raise TypeError(f"a journal record cannot hold {type(value).__name__}")


class Requested(NamedTuple):
    """One request as the journal tells it. `params` must not hold secrets, nor change afterwards."""

    account: str
    ip: str
    method: str
    path: str
    params: Mapping[str, Any]
    status: int
    code: int | str
    latency_ms: float
    client_order_id: str = ""


class Noted(NamedTuple):
    """A record that was put into words when it was told; `record` is a JSON object with at least one field."""

    kind: str
    record: bytes


Entry = Noted | OrderUpdate | Requested


class Journal:
    """Write JSON lines with growing `seq`; continues the numbering of an existing file.

    Records are buffered: `append` flushes when the oldest buffered one is 50 ms old (by the `at_ms` given),
    and the owner calls `flush()` from a timer so that a quiet lab's last records get out too. Those of orders and
    requests are put into words only then: in one tight loop that takes half the time, and no order waits for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seq = _repair(path)
        self._file = path.open("ab", BUFFER_LEN)
        # Who writes a record's lines, and of what.
        self._buffer: list[tuple[Callable[[Any], bytes], tuple[Any, ...]]] = []
        self._oldest_ms = 0.0

    def append(self, at_ms: float, venue: str, entry: Entry, lines: int = 1) -> int:
        """Append what takes one line or more, of an exchange ("" for the world's own); return the last one's `seq`."""
        if not self._buffer:
            self._oldest_ms = at_ms
        self._buffer.append((_lines, (self.seq + 1, at_ms, venue, entry)))
        self.seq += lines
        if at_ms - self._oldest_ms >= FLUSH_AFTER_MS:
            self.flush()
        return self.seq

    def order(self, at_ms: float, form: Form, words: Words) -> None:
        """Append the three records of an order whose words are known, but for the `seq` of each and their time."""
        seq = self.seq
        self.seq = seq + 3
        if not self._buffer:
            self._oldest_ms = at_ms
        self._buffer.append((form.fill, (seq + 1, seq + 2, seq + 3, at_ms, *words)))
        if at_ms - self._oldest_ms >= FLUSH_AFTER_MS:
            self.flush()

    def flush(self) -> None:
        if self._buffer:
            entries, self._buffer = self._buffer, []
            write = self._file.write
            for make, words in entries:
                write(make(words))
            self._file.flush()

    def close(self) -> None:
        """Flush and close; may be called twice."""
        if not self._file.closed:
            self.flush()
            self._file.close()


class VenueJournal:
    """The journal as one exchange writes in it: every record names the exchange."""

    def __init__(self, journal: Journal, venue: str) -> None:
        self._append = journal.append
        # The three records of an order that was filled at once: accepted, executed, requested.
        self.order = journal.order
        self._venue = venue

    def write(self, kind: str, at_ms: float, record: Mapping[str, Any]) -> int:
        """Append one record and return its `seq`. `record` may hold Decimals; it is put into words at once."""
        return self._append(at_ms, self._venue, Noted(kind, orjson.dumps(record, _text)))

    def request(self, at_ms: float, told: Requested) -> None:
        """Append a `request` record."""
        self._append(at_ms, self._venue, told)

    def events(self, events: Iterable[Event], at_ms: float) -> None:
        """Append the records of engine events that count: orders, executions, and money or positions set apart."""
        append, venue = self._append, self._venue
        for event in events:
            if type(event) is OrderUpdate:
                append(at_ms, venue, event, 2 if event.change == FILLED else 1)
            elif (told := record_of(event)) is not None:
                kind, record = told
                self.write(kind, at_ms, record)

    def rejected(self, new: NewOrder, reject: Reject, at_ms: float) -> None:
        """Append an `order` record with status REJECTED and the reason."""
        self.write(ORDER, at_ms, {**new._asdict(), "status": "REJECTED", "change": "REJECTED", "reason": reject})


def _lines(words: tuple[int, float, str, Entry]) -> bytes:
    return lines_of(*words)


def lines_of(seq: int, at_ms: float, venue: str, entry: Entry) -> bytes:
    """Put an entry into words: one line or more, the first of them with this `seq`."""
    if isinstance(entry, Noted):
        head = b'{"seq":%d,"kind":"%b","at_ms":%b,"venue":"%b",' % (
            seq,
            entry.kind.encode(),
            orjson.dumps(at_ms),
            venue.encode(),
        )
        return head + entry.record[1:] + b"\n"
    if isinstance(entry, Requested):
        return _dumps(_request_record(seq, at_ms, venue, entry), _text, _LINE)
    if entry.execution is None:
        return _dumps(_order_record(seq, at_ms, venue, entry), _text, _LINE)
    if entry.change != FILLED:
        return _dumps(_execution_record(seq, at_ms, venue, entry, entry.execution), _text, _LINE)
    accepted = OrderUpdate(entry.account, entry.order, NEW, NEW, ZERO, ZERO, None, entry.at_ms)
    traded = _execution_record(seq + 1, at_ms, venue, entry, entry.execution)
    return _dumps(_order_record(seq, at_ms, venue, accepted), _text, _LINE) + _dumps(traded, _text, _LINE)


# Each record is one literal, its decimals already text: merging and calling back would double the time.
def _request_record(seq: int, at_ms: float, venue: str, told: Requested) -> dict[str, Any]:
    account, ip, method, path, params, status, code, latency_ms, client_order_id = told
    return {
        "seq": seq,
        "kind": REQUEST,
        "at_ms": at_ms,
        "venue": venue,
        "account": account,
        "ip": ip,
        "method": method,
        "path": path,
        "params": params,
        "status": status,
        "code": code,
        "client_order_id": client_order_id,
        "latency_ms": round(latency_ms, 3),
    }


def _execution_record(seq: int, at_ms: float, venue: str, event: OrderUpdate, execution: Execution) -> dict[str, Any]:
    trade_id, order_id, account, symbol, side, px, qty, fee, fee_currency, maker, _, realized, position_side = execution
    order = event.order
    return {
        "seq": seq,
        "kind": EXECUTION,
        "at_ms": at_ms,
        "venue": venue,
        "market": order.market,
        "trade_id": trade_id,
        "order_id": order_id,
        "client_order_id": order.client_order_id,
        "account": account,
        "symbol": symbol,
        "side": side,
        "px": plain(px),
        "qty": plain(qty),
        "fee": plain(fee),
        "fee_currency": fee_currency,
        "maker": maker,
        "realized": plain(realized),
        "position_side": position_side,
        "order_cum_qty": plain(event.cum_qty),
        "order_status": event.status,
    }


def _order_record(seq: int, at_ms: float, venue: str, event: OrderUpdate) -> dict[str, Any]:
    order = event.order
    is_new = event.change == NEW
    record: dict[str, Any] = {
        "seq": seq,
        "kind": ORDER,
        "at_ms": at_ms,
        "venue": venue,
        "market": order.market,
        "change": event.change,
        "status": event.status,
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "account": order.account,
        "symbol": order.symbol,
        "cum_qty": plain(event.cum_qty),
        "reason": None if is_new else order.reason,
    }
    if is_new:
        _add_terms(record, order)
    elif event.change == AMENDED:
        record["qty"], record["px"] = order.qty, order.px
    return record


def _add_terms(record: dict[str, Any], order: Order) -> None:
    """Add what was asked for; fields that only perpetuals have stand in their records alone."""
    record["side"] = order.side
    record["type"] = order.type
    record["qty"] = plain(order.qty)
    record["quote_qty"] = order.quote_qty
    record["px"] = order.px
    record["tif"] = order.tif
    record["tag"] = order.tag
    record["conditional_id"] = order.conditional_id
    if order.order_list_id is not None:
        record["order_list_id"] = order.order_list_id
    if order.market != SPOT:
        record["position_side"] = order.position_side
        record["reduce_only"] = order.reduce_only
        record["expire_ms"] = order.expire_ms
        record["margin_mode"] = order.margin_mode


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
