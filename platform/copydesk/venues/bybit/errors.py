"""Bybit's refusals in our words, by `retCode`; HTTP is 200 nearly whatever happened.

Codes of the families 110xxx (derivatives), 170xxx (spot) and 34xxxxx (account) are refusals, unless listed otherwise;
of 10xxx (general) and 131xxx (assets) only what is listed proves anything. A server error and every answer of another
form are `OutcomeUnknown`.
Source: Bybit v5 API, Error Codes (HTTP 401: wrong key; 404: what does not exist, or not for the account's mode) and
Rate Limit (HTTP 403: too many requests from the address, for ten minutes).
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.client.wire import Blocks, Failure, Verdict

NONE_OPEN = frozenset({"110001", "110008", "110010", "170139", "170142", "170143", "170190", "170213"})
LEVERAGE_SET = "110043"
POSITION_MODE_SET = "110025"
MARGIN_MODE_SET = "110026"
INVALID_TIME = "10002"
PARAMETER_ERROR = "10001"
_SUCCESS = b'{"retCode":0,'
_ADDRESS_BAN_S = 600.0
_RETRY_AFTER_S = 1.0

_CODES: Mapping[str, Denial | Verdict] = {
    "10000": Verdict.UNKNOWN,  # Server time-out.
    PARAMETER_ERROR: Denial.VENUE_REFUSED,
    INVALID_TIME: Verdict.RETRY,
    "10003": Denial.KEY_REJECTED,
    "10004": Denial.KEY_SECRET_WRONG,
    "10005": Denial.KEY_READ_ONLY,
    "10006": Verdict.RETRY,
    "10007": Denial.KEY_REJECTED,
    "10008": Denial.ACCOUNT_UNUSABLE,
    "10009": Verdict.RETRY,
    "10010": Denial.KEY_ADDRESS_REFUSED,
    "10014": Verdict.UNKNOWN,  # Duplicate request.
    "10016": Verdict.UNKNOWN,
    "10017": Denial.VENUE_REFUSED,
    "10018": Verdict.RETRY,
    "10024": Denial.MARKET_NOT_ALLOWED,
    "10027": Denial.ACCOUNT_UNUSABLE,
    "10028": Denial.KEY_ACCOUNT_TYPE_WRONG,  # Only for unified accounts.
    "10029": Denial.MARKET_NOT_ALLOWED,
    "10404": Denial.VENUE_REFUSED,
    "10429": Verdict.RETRY,
    "429": Verdict.RETRY,  # High load: "please retry".
    **dict.fromkeys(("33004", "-2015"), Denial.KEY_EXPIRED),
    "110003": Denial.PRICE_MOVED,
    **dict.fromkeys(
        ("110004", "110006", "110007", "110012", "110014", "110044", "110045", "110051", "110052", "110053"),
        Denial.INSUFFICIENT_BALANCE,
    ),
    "110011": Denial.ACCOUNT_UNUSABLE,  # In liquidation.
    "110013": Denial.LEVERAGE_REFUSED,
    "110017": Denial.NOTHING_TO_REDUCE,
    "110023": Denial.INSTRUMENT_HALTED,  # Positions can only be reduced.
    "110024": Denial.POSITION_MODE_WRONG,
    "110028": Denial.POSITION_MODE_WRONG,
    "110029": Denial.POSITION_MODE_WRONG,
    "110030": Verdict.UNKNOWN,  # Duplicate order id.
    "110042": Denial.INSTRUMENT_HALTED,
    "110063": Denial.INSTRUMENT_HALTED,  # Settlement in progress.
    "110066": Denial.INSTRUMENT_HALTED,
    "110072": Verdict.UNKNOWN,  # Duplicate orderLinkId: our earlier attempt arrived.
    "110074": Denial.INSTRUMENT_HALTED,
    "110079": Verdict.RETRY,  # The order is being processed.
    "110021": Denial.ABOVE_QTY_MAX,  # Open interest.
    # The position that the order leads to is too large for the leverage or the risk limit.
    **dict.fromkeys(("110085", "110086", "110087", "110089", "110090"), Denial.LEVERAGE_REFUSED),
    **dict.fromkeys(("110092", "110093"), Denial.PRICE_MOVED),  # The trigger is on the wrong side.
    "110094": Denial.BELOW_NOTIONAL_MIN,
    "110118": Denial.NO_LIQUIDITY,
    **dict.fromkeys(("110120", "110121"), Denial.PRICE_MOVED),
    **dict.fromkeys(("110123", "110125"), Denial.ACCOUNT_UNUSABLE),  # Terms to be agreed to.
    "110132": Denial.MARKET_NOT_ALLOWED,
    # Transfers.
    **dict.fromkeys(("131002", "131202", "131203", "131204", "131206", "131207"), Denial.VENUE_REFUSED),
    **dict.fromkeys(("131208", "131210", "131211", "131213", "131215"), Denial.VENUE_REFUSED),
    **dict.fromkeys(("131226", "131229", "131231", "131232"), Denial.VENUE_REFUSED),
    **dict.fromkeys(("131212", "131228"), Denial.INSUFFICIENT_BALANCE),
    "170001": Verdict.UNKNOWN,
    "170005": Verdict.RETRY,
    "170007": Verdict.UNKNOWN,  # Time-out of the engine.
    **dict.fromkeys(("170010", "170011", "170033", "170131"), Denial.INSUFFICIENT_BALANCE),
    "170032": Verdict.UNKNOWN,
    "170035": Verdict.UNKNOWN,  # Submitted to the system for processing.
    "170121": Denial.INSTRUMENT_UNMAPPED,
    **dict.fromkeys(("170124", "170135", "170341", "170381", "170382"), Denial.ABOVE_QTY_MAX),
    **dict.fromkeys(("170132", "170133", "170192", "170193", "170194", "170218"), Denial.PRICE_MOVED),
    **dict.fromkeys(("170203", "170204", "170371", "170372"), Denial.PRICE_MOVED),
    **dict.fromkeys(("170136", "170137"), Denial.BELOW_QTY_MIN),
    "170140": Denial.BELOW_NOTIONAL_MIN,
    "170141": Verdict.UNKNOWN,  # Duplicate orderLinkId on spot.
    **dict.fromkeys(("170146", "170147", "170310"), Verdict.UNKNOWN),  # Time-outs: creating, canceling, modifying.
    "170151": Denial.INSTRUMENT_HALTED,
    "170191": Verdict.RETRY,  # Not to be canceled now.
    "170197": Denial.NO_LIQUIDITY,
    "170198": Denial.NO_LIQUIDITY,
    "170212": Verdict.UNKNOWN,  # The cancellation is being processed.
    "170209": Denial.MARKET_NOT_ALLOWED,
    "170222": Verdict.RETRY,
    "170234": Verdict.UNKNOWN,  # System error.
    "170344": Denial.INSTRUMENT_UNMAPPED,
    "182": Verdict.UNKNOWN,
    **dict.fromkeys(("340099", "3400214"), Verdict.UNKNOWN),  # Server error.
    **dict.fromkeys(("3400045", "3400052", "3400053", "3400054"), Denial.MARGIN_MODE_WRONG),
}
_REFUSING_FAMILIES = ("110", "170", "34")
# Answers of the gate before the engine, which may come without a code.
_STATUSES: Mapping[int, Denial] = {401: Denial.KEY_REJECTED, 404: Denial.VENUE_REFUSED}
# What a private stream says to a wrong key, without a code. A time that is refused is told as "Params Error" too, so
# whatever is not listed may pass.
_LOGIN_TEXTS: tuple[tuple[str, str], ...] = (
    ("key has expired", "33004"),
    ("api key is invalid", "10003"),
    ("invalid api", "10003"),
    ("error sign", "10004"),
    ("permission denied", "10005"),
    ("unmatched ip", "10010"),
)
# Where a text begins to repeat what was signed, the API key included.
_REPEATED = (" origin_string", " apiTimestamp")
# Texts under 10001 that say more than the code.
_PARAMETER_TEXTS: tuple[tuple[str, Denial], ...] = (
    ("position idx not match", Denial.POSITION_MODE_WRONG),
    ("leverage", Denial.LEVERAGE_REFUSED),
    ("symbol invalid", Denial.INSTRUMENT_UNMAPPED),
    ("not supported symbols", Denial.INSTRUMENT_UNMAPPED),
    ("qty", Denial.BELOW_QTY_MIN),
    ("quantity", Denial.BELOW_QTY_MIN),
)


def classify(status: int, body: bytes) -> Failure | None:
    """Say what an answer proves; None is success."""
    if status == 200 and body.startswith(_SUCCESS):
        return None
    code, message = parse(body)
    if status == 200 and code == "0":
        return None
    said = f"Bybit answered {status}{f' {code}' if code else ''}: {message}"
    if status == 403 and code not in _CODES:
        return Unavailable(said, retry_after_s=_ADDRESS_BAN_S)
    if status == 429:  # System-level frequency protection, in front of the engine.
        return Unavailable(said, retry_after_s=_RETRY_AFTER_S)
    if not code and status in _STATUSES:
        return VenueRefused(said, code=_STATUSES[status].value, venue_code=str(status))
    if status >= 500 or not code:
        return OutcomeUnknown(said)
    return failure_of(code, message, said)


def failure_of(code: str, message: str, said: str) -> Failure:
    """Say what one code proves."""
    verdict = _verdict(code, message)
    if verdict is Verdict.UNKNOWN:
        return OutcomeUnknown(said)
    if verdict is Verdict.RETRY:
        wait_s = {INVALID_TIME: 0.0, "10018": _ADDRESS_BAN_S, "10009": _ADDRESS_BAN_S}.get(code, _RETRY_AFTER_S)
        return Unavailable(said, retry_after_s=wait_s)
    return VenueRefused(said, code=verdict.value, venue_code=code)


def login_failure(code: str, message: str, said: str) -> Failure:
    """Say what a stream's refusal to authenticate proves; only what names the key ends the stream for good."""
    text = message.lower()
    known = code or next((known for named, known in _LOGIN_TEXTS if named in text), "")
    return failure_of(known, message, said) if known else Unavailable(said)


def plain(message: str) -> str:
    """Leave out what a text repeats of the request."""
    for repeated in _REPEATED:
        message = message.partition(repeated)[0]
    return message


def blocks(status: int, body: bytes) -> Blocks:
    """A ban concerns the address; a spent limit of one endpoint (10006) is told by headers and settled there."""
    code, _ = parse(body)
    banned = code in ("10009", "10018") or (status == 403 and code not in _CODES)
    return Blocks.ADDRESS if banned else Blocks.NOBODY


def parse(body: bytes) -> tuple[str, str]:
    """Return the code and text of an answer; empty if it is no such answer."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", body[:120].decode("utf-8", "replace")
    if not isinstance(answer, dict) or not isinstance(answer.get("retCode"), int):
        return "", body[:120].decode("utf-8", "replace")
    return str(answer["retCode"]), plain(str(answer.get("retMsg", "")))


def _verdict(code: str, message: str) -> Denial | Verdict:
    if code == PARAMETER_ERROR:
        said = message.lower()
        return next((denial for text, denial in _PARAMETER_TEXTS if text in said), Denial.VENUE_REFUSED)
    unlisted = Denial.VENUE_REFUSED if code.startswith(_REFUSING_FAMILIES) else Verdict.UNKNOWN
    return _CODES.get(code, unlisted)
