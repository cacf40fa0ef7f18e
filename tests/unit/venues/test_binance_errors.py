"""What each of Binance's answers proves. Source: binance-spot-api-docs, errors.md and rest-api.md."""

from __future__ import annotations

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.binance.errors import PERPETUAL_ERRORS, SPOT_ERRORS, classify

NOW = 1_700_000_000.0


def body(code: int, message: str) -> bytes:
    return orjson.dumps({"code": code, "msg": message})


@pytest.mark.parametrize(
    ("status", "code", "message", "denial"),
    [
        (400, -2010, "Account has insufficient balance for requested action.", Denial.INSUFFICIENT_BALANCE),
        (400, -2010, "Market is closed.", Denial.INSTRUMENT_HALTED),
        (400, -2010, "Order would immediately match and take.", Denial.PRICE_MOVED),
        (400, -2010, "Stop price would trigger immediately.", Denial.PRICE_MOVED),
        (400, -5013, "Asset transfer failed: insufficient balance", Denial.INSUFFICIENT_BALANCE),
        (400, -2010, "This symbol is not permitted for this account.", Denial.MARKET_NOT_ALLOWED),
        (400, -2010, "This action is disabled on this account.", Denial.ACCOUNT_UNUSABLE),
        (400, -2010, "Unsupported order combination", Denial.VENUE_REFUSED),
        (400, -1013, "Filter failure: NOTIONAL", Denial.BELOW_NOTIONAL_MIN),
        (400, -1013, "Filter failure: MIN_NOTIONAL", Denial.BELOW_NOTIONAL_MIN),
        (400, -1013, "Filter failure: LOT_SIZE", Denial.BELOW_QTY_MIN),
        (400, -1013, "Filter failure: MARKET_LOT_SIZE", Denial.BELOW_QTY_MIN),
        (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", Denial.PRICE_MOVED),
        (400, -1013, "Filter failure: PRICE_FILTER", Denial.VENUE_REFUSED),
        (400, -1121, "Invalid symbol.", Denial.INSTRUMENT_UNMAPPED),
        (400, -1111, "Parameter 'quantity' has too much precision.", Denial.VENUE_REFUSED),
        (401, -2014, "API-key format invalid.", Denial.KEY_REJECTED),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", Denial.KEY_REJECTED),
        (400, -1022, "Signature for this request is not valid.", Denial.KEY_SECRET_WRONG),
        (400, -1014, "Unsupported order combination.", Denial.VENUE_REFUSED),
        (400, -1020, "This operation is not supported.", Denial.VENUE_REFUSED),
        (400, -1199, "A sell order of next year.", Denial.VENUE_REFUSED),
        (400, -2026, "Order was archived.", Denial.VENUE_REFUSED),
        (400, -1010, "Market is closed.", Denial.INSTRUMENT_HALTED),
    ],
)
def test_a_named_refusal_proves_that_nothing_happened(status: int, code: int, message: str, denial: Denial) -> None:
    failure = classify(SPOT_ERRORS, status, body(code, message), None, NOW)
    assert isinstance(failure, VenueRefused)
    assert (failure.code, failure.venue_code) == (denial.value, str(code))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, body(-2010, "Duplicate order sent.")),
        (408, body(-1007, "Timeout waiting for response from backend server. Send status unknown.")),
        (400, body(-1006, "An unexpected response was received from the message bus. Execution status unknown.")),
        (400, body(-1000, "An unknown error occurred while processing the request.")),
        (503, body(-1008, "Server is currently overloaded with other requests.")),
        (500, b""),
        (502, b"<html><body>Bad Gateway</body></html>"),
        (403, b"<html><body>Forbidden</body></html>"),
        (400, b"<html>"),
        (400, b"[]"),
        (409, body(-2021, "Order cancel-replace partially failed.")),
        (302, b""),
        (400, body(-1005, "An unlisted code of the server's own family.")),
        (404, body(-1099, "Not found, unauthenticated, or unauthorized.")),
        (400, body(-9999, "A family of next year.")),
        (400, body(0, "")),
        (400, body(200, "success")),
        (400, b'{"code":true,"msg":"?"}'),
        (400, b'{"msg":"no code"}'),
    ],
)
def test_whatever_proves_nothing_is_unknown(status: int, answer: bytes) -> None:
    assert isinstance(classify(SPOT_ERRORS, status, answer, None, NOW), OutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "answer", "header", "wait_s"),
    [
        (429, body(-1003, "Too much request weight used."), b"7", 7.0),
        (429, body(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND."), None, 10.0),
        (418, body(-1003, "Way too much request weight used; IP banned until 1700000090000."), None, 90.0),
        (418, b"<html>", None, 120.0),
        (400, body(-1003, "Too many requests queued."), b"nonsense", 10.0),
        (400, body(-1004, "Server is busy, please wait and try again"), None, 10.0),
        (400, body(-1021, "Timestamp for this request is outside of the recvWindow."), None, 0.0),
    ],
)
def test_a_rate_limit_says_when_to_try_again(status: int, answer: bytes, header: bytes | None, wait_s: float) -> None:
    failure = classify(SPOT_ERRORS, status, answer, header, NOW)
    assert isinstance(failure, Unavailable)
    assert failure.retry_after_s == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        (-2018, Denial.INSUFFICIENT_BALANCE),
        (-2019, Denial.INSUFFICIENT_BALANCE),
        (-2021, Denial.PRICE_MOVED),
        (-2022, Denial.NOTHING_TO_REDUCE),
        (-2027, Denial.LEVERAGE_REFUSED),
        (-4003, Denial.BELOW_QTY_MIN),
        (-4164, Denial.BELOW_NOTIONAL_MIN),
        (-4061, Denial.POSITION_MODE_WRONG),
        (-4068, Denial.POSITION_MODE_WRONG),
        (-4048, Denial.MARGIN_MODE_WRONG),
        (-4028, Denial.LEVERAGE_REFUSED),
        (-4046, Denial.VENUE_REFUSED),
        (-4120, Denial.VENUE_REFUSED),
        (-1111, Denial.VENUE_REFUSED),
        (-1104, Denial.VENUE_REFUSED),
        (-5022, Denial.PRICE_MOVED),
        (-1121, Denial.INSTRUMENT_UNMAPPED),
        (-2014, Denial.KEY_REJECTED),
        (-2015, Denial.KEY_REJECTED),
        (-1022, Denial.KEY_SECRET_WRONG),
    ],
)
def test_futures_refusals_have_names_of_their_own(code: int, denial: Denial) -> None:
    failure = classify(PERPETUAL_ERRORS, 400, body(code, "whatever it says"), None, NOW)
    assert isinstance(failure, VenueRefused)
    assert (failure.code, failure.venue_code) == (denial.value, str(code))


@pytest.mark.parametrize("code", [-4116, -1000, -1007, -1008, -4999, -5999, -9999])
def test_futures_codes_that_prove_nothing_are_unknown(code: int) -> None:
    assert isinstance(classify(PERPETUAL_ERRORS, 400, body(code, "?"), None, NOW), OutcomeUnknown)


def test_the_same_number_means_different_things_on_spot_and_futures() -> None:
    for code in (-2021, -2022):
        spot = classify(SPOT_ERRORS, 409 if code == -2021 else 400, body(code, "?"), None, NOW)
        perpetual = classify(PERPETUAL_ERRORS, 400, body(code, "?"), None, NOW)
        assert getattr(spot, "code", "unknown") != getattr(perpetual, "code", "unknown")
