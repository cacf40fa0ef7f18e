"""OKX's refusals in our words, by code; the code of a single order stands inside the envelope.

Codes of the families 51xxx and 54xxx (trading) and 59xxx (account settings) are refusals by the engine unless
listed otherwise; of 50xxx (general) and 58xxx (transfers, whose page says that a failed request does not mean a failed
transfer) only what is listed proves anything. A server error and every answer of another form are `OutcomeUnknown`.
Source: OKX API guide v5, Error Code (REST and WebSocket; a sub-code may follow: 51008_1000) and Funds transfer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.client.wire import Blocks, Failure, Headers, Verdict, header_of

NO_SUCH_ORDER = frozenset({"51603"})
NONE_OPEN = frozenset({"51063", "51400", "51401", "51402", "51405", "51416", "51503", "51509", "51510", "51603"})
CANCELING = "51410"
NOT_MODIFIED = "51500"
PARAMETER_ERROR = "51000"
MODE_IN_USE = "59000"
RATE_CODES = frozenset({"50011", "50061", "50040"})
# The last is our own `expTime`, which an order with a wrong clock misses as surely as one that was long on its way.
TIME_CODES = frozenset({"50102", "50112", "50036"})
WS_TIME_CODES = frozenset({"60004", "60006"})
_SUCCESS = b'{"code":"0"'
# A request whose items failed: the verdict is the item's.
_ITEMS_FAILED = frozenset({"1", "2"})
SEVERAL = "several"
_RETRY_AFTER_S = 2.0

_CODES: Mapping[str, Denial | Verdict] = {
    **dict.fromkeys(("50000", "50002", "50006"), Denial.VENUE_REFUSED),  # The request itself was malformed.
    "50001": Verdict.UNKNOWN,  # Service temporarily unavailable.
    "50004": Verdict.UNKNOWN,  # Time-out: "does not mean that the request was successful or failed".
    "50007": Denial.ACCOUNT_UNUSABLE,
    "50008": Denial.ACCOUNT_UNUSABLE,
    "50009": Denial.ACCOUNT_UNUSABLE,  # Suspended for a liquidation under way.
    "50011": Verdict.RETRY,
    "50012": Denial.ACCOUNT_UNUSABLE,
    "50013": Verdict.UNKNOWN,
    "50014": Denial.VENUE_REFUSED,
    "50015": Denial.VENUE_REFUSED,
    "50016": Denial.VENUE_REFUSED,
    # Frozen while positions are reduced by force.
    **dict.fromkeys(("50017", "50018", "50019", "50020", "50021", "50022"), Denial.ACCOUNT_UNUSABLE),
    "50023": Denial.INSTRUMENT_HALTED,
    **dict.fromkeys(("50024", "50025"), Denial.VENUE_REFUSED),
    "50026": Verdict.UNKNOWN,
    **dict.fromkeys(("50027", "50028", "50029"), Denial.ACCOUNT_UNUSABLE),
    "50030": Denial.VENUE_REFUSED,
    **dict.fromkeys(("50032", "50033"), Denial.MARKET_NOT_ALLOWED),
    "50036": Verdict.RETRY,  # Later than our `expTime`: not carried out.
    "50040": Verdict.RETRY,
    "50042": Verdict.UNKNOWN,  # Repeated request.
    "50044": Denial.VENUE_REFUSED,
    **dict.fromkeys(("50051", "50052"), Denial.MARKET_NOT_ALLOWED),
    **dict.fromkeys(("50059", "50060"), Denial.ACCOUNT_UNUSABLE),  # Identity to be verified.
    "50061": Verdict.RETRY,
    "50071": Verdict.UNKNOWN,  # "clOrdId already exists": our earlier attempt arrived.
    "50072": Denial.MARGIN_MODE_WRONG,
    "50100": Denial.KEY_REJECTED,
    "50101": Denial.KEY_ACCOUNT_TYPE_WRONG,  # A demo key on the real exchange, or the reverse.
    "50102": Verdict.RETRY,
    "50103": Denial.KEY_REJECTED,
    "50104": Denial.KEY_PASSPHRASE_WRONG,  # No passphrase at all.
    "50105": Denial.KEY_PASSPHRASE_WRONG,
    "50106": Denial.KEY_SECRET_WRONG,
    "50107": Verdict.RETRY,
    "50110": Denial.KEY_ADDRESS_REFUSED,
    "50111": Denial.KEY_REJECTED,
    "50112": Verdict.RETRY,
    "50113": Denial.KEY_SECRET_WRONG,
    "50114": Denial.KEY_REJECTED,
    "50119": Denial.KEY_REJECTED,  # Also a key that OKX has deleted, as it does with unbound ones left unused.
    "50120": Denial.KEY_READ_ONLY,
    "50122": Denial.BELOW_NOTIONAL_MIN,
    "51001": Denial.INSTRUMENT_UNMAPPED,
    "51004": Denial.LEVERAGE_REFUSED,  # Above the position tier of this leverage.
    "51006": Denial.PRICE_MOVED,
    "51008": Denial.INSUFFICIENT_BALANCE,
    "51010": Denial.KEY_ACCOUNT_TYPE_WRONG,  # The account mode (spot only) does not know this.
    "51011": Verdict.UNKNOWN,  # Duplicate order id, as the next.
    "51016": Verdict.UNKNOWN,  # Duplicate client order id: our earlier attempt arrived.
    "51020": Denial.BELOW_NOTIONAL_MIN,
    "51021": Denial.INSTRUMENT_HALTED,
    "51022": Denial.INSTRUMENT_HALTED,
    "51023": Denial.NOTHING_TO_REDUCE,
    "51024": Denial.ACCOUNT_UNUSABLE,
    "51026": Denial.INSTRUMENT_UNMAPPED,
    "51027": Denial.INSTRUMENT_HALTED,
    "51028": Denial.INSTRUMENT_HALTED,
    "51029": Denial.INSTRUMENT_HALTED,
    "51030": Denial.INSTRUMENT_HALTED,
    "51054": Verdict.UNKNOWN,
    "51065": Verdict.UNKNOWN,  # Duplicate id of a conditional order.
    "51068": Verdict.UNKNOWN,
    **dict.fromkeys(("51005", "51203"), Denial.ABOVE_QTY_MAX),
    "51087": Denial.INSTRUMENT_HALTED,  # Listing canceled.
    "51101": Denial.ABOVE_QTY_MAX,
    "51103": Denial.ABOVE_QTY_MAX,
    **dict.fromkeys(("51109", "51140", "51142"), Denial.NO_LIQUIDITY),
    "51112": Denial.NOTHING_TO_REDUCE,
    **dict.fromkeys(("51113", "51513"), Verdict.RETRY),  # Too many at once.
    "51116": Denial.PRICE_MOVED,
    "51119": Denial.INSUFFICIENT_BALANCE,
    "51120": Denial.BELOW_QTY_MIN,
    "51121": Denial.BELOW_QTY_MIN,
    "51127": Denial.INSUFFICIENT_BALANCE,
    "51131": Denial.INSUFFICIENT_BALANCE,
    "51135": Denial.PRICE_MOVED,
    "51136": Denial.PRICE_MOVED,
    "51137": Denial.PRICE_MOVED,
    "51138": Denial.PRICE_MOVED,
    "51149": Verdict.UNKNOWN,  # Order timed out: "does not mean that the request was successful or failed".
    "51155": Denial.MARKET_NOT_ALLOWED,
    "51169": Denial.NOTHING_TO_REDUCE,
    "51170": Denial.NOTHING_TO_REDUCE,
    "51186": Denial.LEVERAGE_REFUSED,
    "51187": Denial.ABOVE_QTY_MAX,
    "51201": Denial.ABOVE_QTY_MAX,
    "51202": Denial.ABOVE_QTY_MAX,
    **dict.fromkeys(("51277", "51278", "51279", "51280"), Denial.PRICE_MOVED),  # The trigger is on the wrong side.
    "51412": Verdict.UNKNOWN,  # Cancellation timed out; its other text says that the order has been triggered.
    "51502": Denial.INSUFFICIENT_BALANCE,
    **dict.fromkeys(("54030", "54031"), Denial.ABOVE_QTY_MAX),  # Open interest.
    **dict.fromkeys(("54035", "54072"), Denial.INSTRUMENT_HALTED),
    # Transfers.
    "58102": Verdict.RETRY,
    "58111": Verdict.RETRY,
    **dict.fromkeys(("58113", "58114"), Denial.VENUE_REFUSED),
    **dict.fromkeys(("58116", "58117", "58350"), Denial.INSUFFICIENT_BALANCE),
    MODE_IN_USE: Denial.POSITION_MODE_WRONG,  # Not while orders or positions are open.
    **dict.fromkeys(
        ("59101", "59102", "59104", "59105", "59106", "59107", "59112", "59137", "59668", "59669", "59670"),
        Denial.LEVERAGE_REFUSED,
    ),
    **dict.fromkeys(("59103", "59108", "59109", "59200", "59201"), Denial.INSUFFICIENT_BALANCE),
    # WebSocket.
    "60004": Verdict.RETRY,
    "60005": Denial.KEY_REJECTED,
    "60006": Verdict.RETRY,
    "60007": Denial.KEY_SECRET_WRONG,
    "60009": Verdict.RETRY,  # "Login failed", which names no reason: asking by REST will.
    "60014": Verdict.RETRY,
    "60024": Denial.KEY_PASSPHRASE_WRONG,
    "60032": Denial.KEY_REJECTED,
}
_REFUSING_FAMILIES = ("51", "54", "59")


def classify(status: int, headers: Headers, body: bytes) -> Failure | None:
    """Say what an answer proves; None is success, and several items that must be judged one by one (`judge_items`)."""
    if status == 200 and body.startswith(_SUCCESS):
        return None
    code, message = parse(body)
    if status == 200 and code in ("0", SEVERAL):
        return None
    said = f"OKX answered {status}{f' {code}' if code else ''}: {message}"
    if code in RATE_CODES or (status == 429 and code not in _CODES):
        return Unavailable(said, retry_after_s=_retry_after_s(headers))
    if status >= 500 or not code:
        return OutcomeUnknown(said)
    return failure_of(code, message, said)


def failure_of(code: str, message: str, said: str) -> Failure:
    """Say what one code proves."""
    code = code.partition("_")[0]
    verdict = _verdict(code, message)
    if verdict is Verdict.UNKNOWN:
        return OutcomeUnknown(said)
    if verdict is Verdict.RETRY:
        at_once = code in TIME_CODES or code in WS_TIME_CODES
        return Unavailable(said, retry_after_s=0.0 if at_once else _RETRY_AFTER_S)
    return VenueRefused(said, code=verdict.value, venue_code=code)


def judge_items(items: Iterable[Mapping[str, Any]], *, passing: Collection[str] = ()) -> None:
    """Judge each item of a request for several; raise the worst failure: doubt. `passing` codes are fine."""
    failures = [
        failure_of(str(item["sCode"]), str(item["sMsg"]), f"OKX answered {item['sCode']}: {item['sMsg']}")
        for item in items
        if item["sCode"] != "0" and str(item["sCode"]) not in passing
    ]
    for failure in sorted(failures, key=lambda one: not isinstance(one, OutcomeUnknown)):
        raise failure


def blocks(status: int, body: bytes) -> Blocks:
    """Limits of orders are the account's; HTTP 429 without such a code is the address's."""
    code, _ = parse(body)
    if code in ("50061", "50040"):
        return Blocks.KEY
    return Blocks.ADDRESS if status == 429 and code not in RATE_CODES else Blocks.NOBODY


def parse(body: bytes) -> tuple[str, str]:
    """Return the code and text of a failure, of its only item where there is one; empty if it is no such answer.

    `SEVERAL` stands for items that may differ. Sub-codes are left out.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", body[:120].decode("utf-8", "replace")
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), str | int):
        return "", body[:120].decode("utf-8", "replace")
    code, message, data = str(answer["code"]), str(answer.get("msg", "")), answer.get("data")
    if code in _ITEMS_FAILED and isinstance(data, list) and data and isinstance(data[0], dict):
        if len(data) > 1:
            return SEVERAL, message
        code, message = str(data[0].get("sCode") or code), str(data[0].get("sMsg") or message)
    return code.partition("_")[0], message


def _verdict(code: str, message: str) -> Denial | Verdict:
    if code == PARAMETER_ERROR:
        return Denial.POSITION_MODE_WRONG if "posSide" in message else Denial.VENUE_REFUSED
    unlisted = Denial.VENUE_REFUSED if code.startswith(_REFUSING_FAMILIES) else Verdict.UNKNOWN
    return _CODES.get(code, unlisted)


def _retry_after_s(headers: Headers) -> float:
    told = header_of(headers, b"retry-after")
    return float(told) if told and told.isdigit() and len(told) <= 7 else _RETRY_AFTER_S
