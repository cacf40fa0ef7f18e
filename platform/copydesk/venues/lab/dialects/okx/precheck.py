"""OKX's precheck of an order, which is offered in multi-currency and portfolio margin alone.

Source: okx.com/docs-v5, "POST / Order precheck". The lab's accounts are in futures mode, so that a well-formed
request of a key that may trade is always told that the account's mode has no such thing (51010).
"""

from __future__ import annotations

from typing import Any

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.orders import read_new_order
from copydesk.venues.lab.dialects.okx.params import Call, client_id_of
from copydesk.venues.lab.dialects.okx.routes import TRADE, Routes, private


def _precheck(desk: Desk, call: Call) -> list[dict[str, Any]]:
    read_new_order(desk, call.account, client_id_of(call.params), call.params)
    raise errors.unsupported_mode()


ROUTES: Routes = {("POST", "/trade/order-precheck"): private(_precheck, 5, needs=TRADE)}
