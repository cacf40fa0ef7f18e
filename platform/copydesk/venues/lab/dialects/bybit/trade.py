"""Bybit's WebSocket order entry, `/v5/trade`: the REST trading calls over one connection, limits shared.

Source: v5 documentation, "Websocket Trade Guideline".
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.frames import POLICY_VIOLATION, Frames, Seen
from copydesk.venues.lab.dialects.bybit.limits import SECOND_MS, IpMeter
from copydesk.venues.lab.dialects.bybit.params import MARKETS, Call, text_of
from copydesk.venues.lab.dialects.bybit.private import login
from copydesk.venues.lab.dialects.bybit.rest import ROUTES, Front
from copydesk.venues.lab.faults import Fault, Harm
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.streams import StreamConnection

PATHS = {
    "order.create": "/v5/order/create",
    "order.amend": "/v5/order/amend",
    "order.cancel": "/v5/order/cancel",
    "order.create-batch": "/v5/order/create-batch",
    "order.amend-batch": "/v5/order/amend-batch",
    "order.cancel-batch": "/v5/order/cancel-batch",
}
REQUESTS_MAX = 3000
REQ_ID_LEN_MAX = 36


def request_meter() -> IpMeter:
    """Return a meter of order requests: 3000 per address and second."""
    return IpMeter(REQUESTS_MAX, SECOND_MS, SECOND_MS)


class TradeSession(Frames):
    """One connection to `/v5/trade`."""

    def __init__(self, front: Front, connection: StreamConnection, connects: IpMeter, requests: IpMeter) -> None:
        super().__init__(front.exchange, connection)
        self._front = front
        self._requests = requests
        self._key: ApiKey | None = None
        self._seen = Seen()
        if not connects.allows(connection.ip, self.now_ms()):
            connection.close(POLICY_VIOLATION, b"Too many connections")

    def on_text(self, text: str) -> None:
        frame = self.read(text)
        if frame is None:
            return
        op = frame["op"]
        if op == "ping":
            self._reply(frame, 0, "OK", {"op": "pong", "data": [str(self.now_ms())]})
        elif op == "auth":
            self._auth(frame)
        else:
            self._order(frame, op)

    def on_close(self) -> None:
        """Nothing of this connection outlives it."""

    def _reply(
        self, frame: dict[str, Any], code: int, says: str, rest: dict[str, Any] | None = None, delay_ms: float = 0.0
    ) -> None:
        answer: dict[str, Any] = {"reqId": frame["reqId"]} if "reqId" in frame else {}
        answer |= {"retCode": code, "retMsg": says, "op": frame["op"], **(rest or {}), "connId": self.conn_id}
        self.say(answer, delay_ms)

    def _auth(self, frame: dict[str, Any]) -> None:
        if self._key is not None:
            self._reply(frame, 20001, "Repeat auth")
            return
        try:
            self._key = login(self._front, self.connection.ip, frame.get("args"))
        except errors.ApiError as error:
            self._reply(frame, error.code, error.msg)
            return
        self._reply(frame, 0, "OK")

    def _order(self, frame: dict[str, Any], op: str) -> None:
        call = Call({}, self.connection.ip, self.now_ms(), self._key, memory=self._front.memory)
        fault = self._fault(op)
        if fault is not None and not fault.executes:
            self._harm(frame, fault)
            return
        at_ms, since_s, code, says, data = self.exchange.now_ms(), time.monotonic(), 0, "OK", b"{}"
        try:
            data = self._carry_out(frame, op, call)
        except errors.ApiError as error:
            code, says = error.code, error.msg
        self._front.write_down(call, at_ms, ("WS", op), (200, code, since_s))
        if fault is not None and fault.harm != Harm.DELAY:
            self._harm(frame, fault)
            return
        rest = {"data": orjson.Fragment(data), "retExtInfo": orjson.Fragment(call.ext), "header": self._header(call)}
        self._reply(frame, code, says, rest, 0.0 if fault is None else fault.delay_ms)

    def _carry_out(self, frame: dict[str, Any], op: str, call: Call) -> bytes:
        if not self._requests.allows(call.ip, call.now_ms):
            raise errors.ApiError(10403, "Exceeded the IP rate limit.")
        if self._key is None:
            raise errors.ApiError(10007, "User authentication failed.")
        path = PATHS.get(op)
        if path is None:
            raise errors.ApiError(10404, "op type is not found")
        if self.exchange.maintenance:
            raise errors.ApiError(10019, "ws trade service is restarting")
        self._check_frame(frame, call)
        if text_of(call.params, "category") not in MARKETS:
            raise errors.ApiError(10404, "category is not correct")
        self._front.known(self._key.api_key, call.now_ms)
        route = ROUTES["POST", path]
        self._front.permit(self._key, route, call)
        self._front.meter(path, route, call)
        return route.handler(self.exchange, call)

    def _check_frame(self, frame: dict[str, Any], call: Call) -> None:
        req_id = frame.get("reqId")
        if req_id is not None:
            if len(str(req_id)) > REQ_ID_LEN_MAX:
                raise errors.request_error("reqId invalid")
            if not self._seen.add(str(req_id)):
                raise errors.ApiError(20006, "reqId is duplicated")
        header, args = frame.get("header"), frame.get("args")
        if (
            not isinstance(header, dict)
            or not isinstance(args, list)
            or len(args) != 1
            or not isinstance(args[0], dict)
        ):
            raise errors.request_error("Params Error")
        call.params = args[0]
        stamp, window = text_of(header, "X-BAPI-TIMESTAMP"), text_of(header, "X-BAPI-RECV-WINDOW")
        self._front.check_time(stamp, window, call.now_ms)

    def _header(self, call: Call) -> dict[str, str]:
        header = {"Timenow": str(call.now_ms), "Traceid": f"{hash((self.conn_id, call.now_ms)) & (1 << 128) - 1:032x}"}
        if call.used is None:
            return header
        return {
            "X-Bapi-Limit": str(call.used.limit),
            "X-Bapi-Limit-Status": str(call.used.left),
            "X-Bapi-Limit-Reset-Timestamp": str(call.used.reset_ms),
            **header,
        }

    def _fault(self, op: str) -> Fault | None:
        faults = self.exchange.world.faults
        if not faults:
            return None
        account = "" if self._key is None else self._key.account
        fault = faults.strike(self.exchange.venue, "WS", op, account)
        if fault is not None:
            self.exchange.fault_struck(fault, "WS", op, account)
        return fault

    def _harm(self, frame: dict[str, Any], fault: Fault) -> None:
        if fault.harm == Harm.STATUS:
            self._reply(frame, 10016, "Internal server error")
        elif fault.harm == Harm.GARBAGE:
            self.connection.send(fault.content().encode(), self.exchange.rtt_ms)
        else:
            self.connection.close()
