"""The exception tree tells "no" from "not now" from "we do not know"."""

from __future__ import annotations

import pytest
from copydesk.kernel import (
    ConfigError,
    CopydeskError,
    InvalidInput,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    SystemClock,
    Unavailable,
    VenueRefused,
)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (Refused, "refused", 400),
        (InvalidInput, "invalid_input", 422),
        (NotPermitted, "not_permitted", 403),
        (NotFound, "not_found", 404),
        (VenueRefused, "venue_refused", 400),
    ],
)
def test_a_refusal_has_a_stable_code_and_a_status(kind: type[Refused], code: str, status: int) -> None:
    refusal = kind("One sentence.")
    assert (str(refusal), refusal.code, refusal.http_status) == ("One sentence.", code, status)
    assert kind("One sentence.", code="special").code == "special"


def test_unknown_is_neither_a_refusal_nor_something_to_retry() -> None:
    unknown = OutcomeUnknown("?")
    assert isinstance(unknown, CopydeskError)
    assert not isinstance(unknown, Refused | Unavailable)


def test_what_may_be_retried_says_when() -> None:
    assert Unavailable("busy").retry_after_s == 1.0
    assert Unavailable("busy", retry_after_s=7).retry_after_s == 7


def test_a_venues_refusal_carries_its_code() -> None:
    assert VenueRefused("no", code="key_rejected", venue_code="-2015").venue_code == "-2015"


def test_bad_configuration_is_no_refusal_of_a_request() -> None:
    assert not issubclass(ConfigError, Refused)


def test_the_systems_clock_is_aware_and_its_count_never_falls() -> None:
    clock = SystemClock()
    offset = clock.now().utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0
    assert clock.monotonic() <= clock.monotonic()
