"""OKX trade endpoints: single and batch requests around the verbs of `orders`, and the dead man's switch.

Source: okx.com/docs-v5, "Order Book Trading", "Trade". Answers carry `inTime` and `outTime`, when the gateway took
the request and answered it, in microseconds. Code "0": all done; "1": none; "2": some, told by each `sCode`.
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.orders import (
    BULK_MAX,
    CLOSE_MAX,
    EVERY_MS,
    ItemHandler,
    amend,
    cancel,
    close_position,
    failed,
    place,
    refuse_too_often,
)
from copydesk.venues.lab.dialects.okx.params import Call, integer_of, tag_of
from copydesk.venues.lab.dialects.okx.routes import TRADE, Handler, Routes, order_route, private

ALL_FAILED = "All operations failed"
SOME_FAILED = "Bulk operation partially succeeded."
TIMEOUT_MIN_S, TIMEOUT_MAX_S = 10, 120
ONE_SECOND_MS = 1000


class Outcome:
    """What became of the orders of one request: the envelope's code and text, and one row for each order."""

    __slots__ = ("code", "msg", "rows")

    def __init__(self, code: str, msg: str, rows: list[dict[str, Any]]) -> None:
        self.code = code
        self.msg = msg
        self.rows = rows

    @property
    def first_code(self) -> str:
        """Return the most telling code: that of a lone order, else the envelope's."""
        return str(self.rows[0]["sCode"]) if len(self.rows) == 1 else self.code


def carry_out(desk: Desk, call: Call, verb: str, items: list[dict[str, Any]], act: ItemHandler) -> Outcome:
    """Act on every order of a request; one that is refused does not stop the others."""
    refuse_too_often(desk, call, verb, items)
    rows, failures = [], 0
    for item in items:
        try:
            rows.append(act(desk, call, item))
        except errors.ApiError as error:
            failures += 1
            rows.append(failed(item, error, call.now_ms))
    if not failures:
        return Outcome("0", "", rows)
    return Outcome("1", ALL_FAILED, rows) if failures == len(rows) else Outcome("2", SOME_FAILED, rows)


def bulk_of(value: Any) -> list[dict[str, Any]]:
    """Read the orders of a batch: a list of 1 to 20 objects."""
    if not isinstance(value, list) or not value:
        raise errors.bad_json()
    for item in value:
        if not isinstance(item, dict):
            raise errors.bad_json()
    if len(value) > BULK_MAX:
        raise errors.too_many_in_bulk(BULK_MAX)
    return value


def _one(verb: str, act: ItemHandler) -> Handler:
    return lambda desk, call: carry_out(desk, call, verb, [call.params], act)


def _many(verb: str, act: ItemHandler) -> Handler:
    return lambda desk, call: carry_out(desk, call, verb, bulk_of(call.items), act)


VERBS: dict[str, tuple[str, ItemHandler]] = {
    "order": ("place", place),
    "batch-orders": ("place", place),
    "amend-order": ("amend", amend),
    "batch-amend-orders": ("amend", amend),
    "cancel-order": ("cancel", cancel),
    "batch-cancel-orders": ("cancel", cancel),
}
"""Operations of the WebSocket: what they count as, and what they do to each order."""


def envelope(outcome: Outcome, at_us: int, out_us: int) -> bytes:
    """Write the answer of a request that acted on orders."""
    return b'{"code":"%b","data":%b,"inTime":"%d","msg":"%b","outTime":"%d"}' % (
        outcome.code.encode(),
        orjson.dumps(outcome.rows),
        at_us,
        outcome.msg.encode(),
        out_us,
    )


def _cancel_all_after(desk: Desk, call: Call) -> list[dict[str, Any]]:
    """Cancel everything unless called again in time ("POST / Cancel All After"); 0 takes it back."""
    seconds = integer_of(call.params, "timeOut")
    if seconds is None:
        raise errors.missing("timeOut")
    if seconds and not TIMEOUT_MIN_S <= seconds <= TIMEOUT_MAX_S:
        raise errors.bad_parameter("timeOut")
    due_ms = call.now_ms + seconds * 1000 if seconds else 0
    if seconds:
        desk.deadlines[call.account] = due_ms
    else:
        desk.deadlines.pop(call.account, None)
    return [{"triggerTime": str(due_ms), "tag": tag_of(call.params), "ts": str(call.now_ms)}]


ROUTES: Routes = {
    ("POST", "/trade/order"): order_route(_one("place", place)),
    ("POST", "/trade/batch-orders"): order_route(_many("place", place), batch=True),
    ("POST", "/trade/amend-order"): order_route(_one("amend", amend)),
    ("POST", "/trade/amend-batch-orders"): order_route(_many("amend", amend), batch=True),
    ("POST", "/trade/cancel-order"): order_route(_one("cancel", cancel)),
    ("POST", "/trade/cancel-batch-orders"): order_route(_many("cancel", cancel), batch=True),
    ("POST", "/trade/close-position"): private(close_position, CLOSE_MAX, needs=TRADE, per="instId", every_ms=EVERY_MS),
    ("POST", "/trade/cancel-all-after"): private(_cancel_all_after, 1, needs=TRADE, per="tag", every_ms=ONE_SECOND_MS),
}
