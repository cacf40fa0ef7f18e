"""Canceling at Bitget: what an answer says of the orders that were to be canceled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials
from copydesk.venues.bitget import errors
from copydesk.venues.client.core import VenueClient
from copydesk.venues.client.wire import Failure

_DONE = frozenset({"0", "00000"})
_UNKNOWN_ORDER = "43001"


async def cancel_open(client: VenueClient, endpoint: str, credentials: Credentials, params: Mapping[str, Any]) -> bool:
    """Cancel what the parameters name; False when nothing of it was open."""
    try:
        await client.ask(endpoint, credentials, params, _judge)
    except VenueRefused as refusal:
        if refusal.venue_code in errors.NO_SUCH_ORDER:
            return False
        raise
    return True


def _judge(answer: Mapping[str, Any]) -> None:
    """Raise the gravest failure of an answer for several orders; one that was done before its turn is the least."""
    data = answer["data"]
    if not isinstance(data, dict):
        return
    failures = [
        _failure(str(item.get("errorCode") or ""), item.get("errorMsg")) for item in data.get("failureList") or ()
    ]
    # v3 lists what went well and what did not together, and only the latter has a code of its own.
    mixed = ((item, str(item.get("code") or "0")) for item in data.get("list") or ())
    failures += [_failure(code, item.get("msg")) for item, code in mixed if code not in _DONE]
    failures.sort(key=lambda failure: getattr(failure, "venue_code", "") in errors.NO_SUCH_ORDER)
    if failures:
        raise failures[0]


def _failure(code: str, message: str | None) -> Failure:
    said = message or ""
    if not code and "exist" in said.lower():
        code = _UNKNOWN_ORDER  # Lists of failures may say so in words alone ("notExistend").
    return errors.failure_of(code, said, f"Bitget answered {code}: {said}")
