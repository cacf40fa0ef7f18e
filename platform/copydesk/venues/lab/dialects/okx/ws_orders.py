"""Order entry over the WebSocket: the verbs of `orders` under the envelope of `op` and `id`.

Source: okx.com/docs-v5, "WS / Place order", "Place multiple orders", "Cancel order", "Amend order" and their batches.
Limits are shared with REST. A failed operation has no text of its own (`msg` is empty), each order has.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.params import Call
from copydesk.venues.lab.dialects.okx.trade import VERBS, bulk_of, carry_out
from copydesk.venues.lab.faults import Fault, Harm
from copydesk.venues.lab.journal import Requested

if TYPE_CHECKING:
    from copydesk.venues.lab.dialects.okx.session import Session

ID_LEN_MAX = 32


class OrderEntry:
    """Carry out the order operations of one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._desk = session.hub.desk
        self._exchange = session.hub.desk.exchange

    def carry_out(self, op: str, args: list[dict[str, Any]], request_id: Any) -> None:
        """Answer one operation, as scripted faults allow."""
        fault = self._fault(op)
        if fault is not None and not fault.executes:
            self._harm(fault, op, request_id)
            return
        answer = self._answer(op, args, request_id)
        if fault is not None and fault.harm != Harm.DELAY:
            self._harm(fault, op, request_id)
            return
        self._session.send(answer, self._exchange.rtt_ms + (fault.delay_ms if fault is not None else 0.0))

    def _answer(self, op: str, args: list[dict[str, Any]], request_id: Any) -> bytes:
        at_ms, since_s = self._exchange.now_ms(), time.monotonic()
        call = Call({}, self._session.ip, int(at_ms), int(at_ms * 1000.0), self._session.key, args)
        verb, act = VERBS[op]
        code, msg, rows = "0", "", list[dict[str, Any]]()
        try:
            self._session.may_trade()
            if not isinstance(request_id, str) or not request_id.isalnum() or len(request_id) > ID_LEN_MAX:
                raise errors.ApiError("60013", "Invalid args")
            if not op.startswith("batch") and len(args) != 1:
                raise errors.ApiError("60013", "Invalid args")
            outcome = carry_out(self._desk, call, verb, bulk_of(args), act)
            code, rows, told = outcome.code, outcome.rows, outcome.first_code
        except errors.ApiError as error:
            code = told = error.code
            msg = error.msg
        self._write_down(op, call, (told, (time.monotonic() - since_s) * 1000.0), at_ms)
        out_us = int(self._exchange.now_ms() * 1000.0)
        return orjson.dumps(
            {
                "id": request_id,
                "op": op,
                "code": code,
                "msg": msg,
                "data": rows,
                "inTime": str(call.at_us),
                "outTime": str(out_us),
            }
        )

    def _write_down(self, op: str, call: Call, outcome: tuple[str, float], at_ms: float) -> None:
        account = "" if call.key is None else call.key.account
        client_ids = ",".join(str(item.get("clOrdId") or "") for item in call.items or ())
        code, latency_ms = outcome
        params = {"orders": call.items}
        self._exchange.journal.request(
            at_ms, Requested(account, call.ip, "WS", op, params, 200, code, latency_ms, client_ids)
        )

    def _fault(self, op: str) -> Fault | None:
        faults = self._exchange.world.faults
        if not faults:
            return None
        key = self._session.key
        account = "" if key is None else key.account
        fault = faults.strike(self._exchange.venue, "WS", op, account)
        if fault is not None:
            self._exchange.fault_struck(fault, "WS", op, account)
        return fault

    def _harm(self, fault: Fault, op: str, request_id: Any) -> None:
        if fault.harm == Harm.STATUS:
            body = {"id": request_id, "op": op, "code": "50026", "msg": "System error. Try again later.", "data": []}
            self._session.send(fault.body.encode() or orjson.dumps(body), self._exchange.rtt_ms)
        elif fault.harm == Harm.GARBAGE:
            self._session.send(fault.content().encode(), self._exchange.rtt_ms)
        else:
            self._session.close()
