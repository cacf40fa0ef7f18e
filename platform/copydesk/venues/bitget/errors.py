"""Bitget's refusals in our words, by code; both kinds of account share one table.

Codes of the families 22xxx, 25xxx (v3), 41xxx, 43xxx (spot) and 45xxx (futures) are refusals of an order or a
setting, unless listed otherwise; of 40xxx (general) and the rest only what is listed proves anything. A server error
and every answer of another form are `OutcomeUnknown`.
Source: Bitget API guide, Error codes (REST v2, v3 and WebSocket).
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.client.wire import Blocks, Failure, Headers, Verdict, header_of

NO_SUCH_ORDER = frozenset(
    {"22001", "24056", "25204", "25597", "31007", "40109", "40768", "40819", "43001", "43025", "45057", "80011"}
)
# A classic account was asked by v3, or a unified one by v2: the account is of the other kind than we thought.
OTHER_KIND = frozenset({"40084", "40085"})
TIME_CODES = frozenset({"40004", "40005", "40008", "40078", "40911"})
WS_TIME_CODES = frozenset({"30013", "30014"})
RATE_CODES = frozenset({"429", "25004", "30006", "30007"})
_SUCCESS = b'{"code":"00000"'
_RETRY_AFTER_S = 1.0
_FORBIDDEN_S = 60.0
_MESSAGE_LEN_MAX = 200


def _all(verdict: Denial | Verdict, codes: str) -> dict[str, Denial | Verdict]:
    return dict.fromkeys(codes.split(), verdict)


_CODES: Mapping[str, Denial | Verdict] = {
    **dict.fromkeys(NO_SUCH_ORDER, Denial.VENUE_REFUSED),
    # Keys. 40012 is told for a passphrase that does not belong to the key.
    **_all(Denial.KEY_REJECTED, "40001 40006 40037 40041 30011"),
    **_all(Denial.KEY_SECRET_WRONG, "40002 40003 40009 30015"),
    **_all(Denial.KEY_PASSPHRASE_WRONG, "40011 40012 40036 30012"),
    **_all(Denial.KEY_ADDRESS_REFUSED, "40018 40038 49003"),
    **_all(Denial.KEY_READ_ONLY, "40014 40040"),
    **_all(Denial.KEY_ACCOUNT_TYPE_WRONG, "40084 40085 40099"),  # 40099: a demo key on the real exchange.
    **_all(
        Denial.ACCOUNT_UNUSABLE,
        "40013 40016 40022 40023 40025 40026 40027 40031 40035 40100 40101 40111 40710 40916 59005",
    ),
    **_all(Denial.MARKET_NOT_ALLOWED, "40000 40024 40103 59006 40824"),
    # Time, load and doubt. A duplicate client order id says that an earlier attempt arrived.
    # A login that failed for no named reason (30005) is named by asking over REST.
    **_all(Verdict.RETRY, "40004 40005 40008 40078 40911 30005 30013 30014 429 25004 30006 30007"),
    **_all(Verdict.UNKNOWN, "40708 40786 43118 45034 50060 25212"),
    **_all(Verdict.UNKNOWN, "40010 40015 40200 40400 40604 40725 40846 40910 43059 45001 25000 25001 25003"),
    # Money and positions.
    **_all(
        Denial.INSUFFICIENT_BALANCE,
        "25202 25203 25228 40711 40712 40754 40762 40798 40800 43012 43117 43132 45002 50020 59011 59022 59042 60013",
    ),
    **_all(
        Denial.NOTHING_TO_REDUCE,
        "22002 25227 25231 40709 40757 40837 40838 43023 43029 43043 45003 45005 45006 25601",
    ),
    # Sizes.
    **_all(Denial.BELOW_NOTIONAL_MIN, "25611 43006 43010 43027 43042 45110 45114"),
    **_all(Denial.BELOW_QTY_MIN, "22034 22038 25610 43037 45111 13008"),
    **_all(Denial.ABOVE_QTY_MAX, "25207 25208 25230 43007 43038 43041 45103 45104 45112 45113"),
    # Prices; most are a trigger on the wrong side of the market.
    **_all(Denial.PRICE_MOVED, "22046 22047 25224 25205 25206 40815 40816 40820 40821 41117 43008 43009 43039 43040"),
    **_all(Denial.PRICE_MOVED, " ".join(str(code) for code in (*range(40735, 40743), *range(40829, 40837)))),
    **_all(Denial.PRICE_MOVED, "40915 40917 43013 43014 43015 43016 43034 43035 45122"),
    **_all(Denial.PRICE_MOVED, " ".join(str(code) for code in (*range(45060, 45068), *range(25579, 25587)))),
    # Instruments and modes.
    **_all(Denial.INSTRUMENT_UNMAPPED, "25100 40034 40072 40102"),
    **_all(
        Denial.INSTRUMENT_HALTED,
        "22004 22056 25013 25101 25102 25104 25105 25108 40308 40309 40844 40845 41113 41114 43115 43119 43120",
    ),
    **_all(Denial.POSITION_MODE_WRONG, "25010 25236 40774 40920 400172"),
    **_all(Denial.LEVERAGE_REFUSED, "25223 40797 45045"),
    **_all(
        Denial.VENUE_REFUSED,
        "40007 40017 40019 40020 40053 40056 40057 40058 40059 40079 40108 40304 40305 40306 40401 40402 40706 40716"
        " 40723 40724 40761 40787 40808 40811 40812 40813 40924 40925 30001 30002 30016",
    ),
}
_REFUSING_FAMILIES = ("22", "25", "41", "43", "45")


def classify(status: int, headers: Headers, body: bytes) -> Failure | None:
    """Say what an answer proves; None is success."""
    if status == 200 and body.startswith(_SUCCESS):
        return None
    code, message = parse(body)
    if status == 200 and code == "00000":
        return None
    said = f"Bitget answered {status}{f' {code}' if code else ''}: {message}"
    if status == 429 or code in RATE_CODES:
        return Unavailable(said, retry_after_s=_retry_after_s(headers))
    if status == 403 and not code:
        return Unavailable(said, retry_after_s=_FORBIDDEN_S)
    if status >= 500 or not code:
        return OutcomeUnknown(said)
    return failure_of(code, message, said)


def failure_of(code: str, message: str, said: str) -> Failure:
    """Say what one code proves."""
    verdict = _verdict(code, message)
    if verdict is Verdict.UNKNOWN:
        return OutcomeUnknown(said)
    if verdict is Verdict.RETRY:
        return Unavailable(said, retry_after_s=0.0 if code in TIME_CODES else _RETRY_AFTER_S)
    return VenueRefused(said, code=verdict.value, venue_code=code)


def blocks(status: int, body: bytes) -> Blocks:
    """Requests are counted by user; a refusal without Bitget's own form is the address's."""
    code, _ = parse(body)
    if code in RATE_CODES:
        return Blocks.KEY
    return Blocks.ADDRESS if status in (403, 429) and not code else Blocks.NOBODY


def parse(body: bytes) -> tuple[str, str]:
    """Return the code and text of an answer; empty if it is no such answer."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", body[:120].decode("utf-8", "replace")
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), str | int):
        return "", body[:120].decode("utf-8", "replace")
    return str(answer["code"]), str(answer.get("msg", ""))[:_MESSAGE_LEN_MAX]


def _verdict(code: str, message: str) -> Denial | Verdict:
    if code == "40808" and "size" in message:
        return Denial.BELOW_QTY_MIN
    unlisted = Denial.VENUE_REFUSED if len(code) == 5 and code.startswith(_REFUSING_FAMILIES) else Verdict.UNKNOWN
    return _CODES.get(code, unlisted)


def _retry_after_s(headers: Headers) -> float:
    told = header_of(headers, b"retry-after")
    return float(told) if told and told.isdigit() and len(told) <= 7 else _RETRY_AFTER_S
