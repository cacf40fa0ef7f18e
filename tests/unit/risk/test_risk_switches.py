"""What a kill switch reaches, when it closes, and which one is named where several apply."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from copydesk.kernel import InvalidInput
from copydesk.risk import Reach, Spot, Stops, SwitchBoard, ThrownSwitch
from copydesk.risk.switches import NewSwitch, Subjects, checked
from hypothesis import given
from hypothesis import strategies as st

AT = datetime(2026, 1, 5, tzinfo=UTC)
SPOT = Spot(7, "okx-live", "BTC/USDT:USDT", 31)
KNOWN = Subjects({"okx-live"}, {"BTC/USDT"}, {31}, {7, 8})


def switch(reach: Reach, subject: str = "", *, tenant_id: int | None = 7, stops: Stops = Stops.OPENS) -> ThrownSwitch:
    return ThrownSwitch(1, tenant_id, reach, subject, stops, "why", "Mara", AT)


def new(reach: Reach, subject: str = "", *, reason: str = "why", author: str = "Mara") -> NewSwitch:
    return NewSwitch(reach, subject, Stops.OPENS, reason, author)


@pytest.mark.parametrize(
    ("reach", "subject", "elsewhere"),
    [
        (Reach.EXCHANGE, "okx-live", "okx-lab"),
        (Reach.INSTRUMENT, "BTC/USDT:USDT", "BTC/USDT"),
        (Reach.STRATEGY, "31", "3"),
    ],
)
def test_a_switch_reaches_what_it_names_and_nothing_else(reach: Reach, subject: str, elsewhere: str) -> None:
    assert switch(reach, subject).reaches(SPOT)
    assert not switch(reach, elsewhere).reaches(SPOT)


@pytest.mark.parametrize("reach", [reach for reach in Reach if reach is not Reach.ALL])
def test_a_brands_switch_never_reaches_another_brand(reach: Reach) -> None:
    subjects = {Reach.EXCHANGE: "okx-live", Reach.INSTRUMENT: "BTC/USDT:USDT", Reach.STRATEGY: "31"}
    assert switch(reach, subjects.get(reach, "")).reaches(SPOT)
    assert not switch(reach, subjects.get(reach, "")).reaches(SPOT._replace(tenant_id=8))


def test_the_platform_stops_one_brand_or_all() -> None:
    one, everything = switch(Reach.TENANT, "7", tenant_id=None), switch(Reach.ALL, tenant_id=None)
    assert one.reaches(SPOT)
    assert not one.reaches(SPOT._replace(tenant_id=8))
    assert everything.reaches(SPOT._replace(tenant_id=8))


def test_to_close_over_all_brands_takes_a_second_person() -> None:
    thrown = switch(Reach.ALL, tenant_id=None, stops=Stops.ALL)
    assert (thrown.needs_two, thrown.closes) == (True, False)
    assert replace(thrown, confirmed_by="Omar").closes


def test_to_close_one_brand_takes_one_person() -> None:
    assert switch(Reach.TENANT, stops=Stops.ALL).closes
    assert switch(Reach.STRATEGY, "31", stops=Stops.ALL).closes
    assert switch(Reach.TENANT, "7", tenant_id=None, stops=Stops.ALL).closes


def test_a_switch_that_was_lifted_closes_nothing() -> None:
    assert not switch(Reach.TENANT, stops=Stops.ALL).lifted().closes


def test_a_switch_that_closes_is_named_before_one_that_stops_opens() -> None:
    narrow, wide = switch(Reach.STRATEGY, "31", stops=Stops.ALL), switch(Reach.ALL, tenant_id=None)
    assert SwitchBoard(1, (wide,), {7: (narrow,)}).stopped(SPOT) == narrow


def test_of_two_alike_the_platforms_is_named() -> None:
    own, platforms = switch(Reach.EXCHANGE, "okx-live"), switch(Reach.EXCHANGE, "okx-live", tenant_id=None)
    assert SwitchBoard(1, (platforms,), {7: (own,)}).stopped(SPOT) == platforms


switches = st.builds(
    switch,
    st.sampled_from(Reach),
    st.sampled_from(["", "7", "8", "31", "okx-live", "okx-lab", "BTC/USDT", "BTC/USDT:USDT"]),
    tenant_id=st.sampled_from([None, 7, 8]),
    stops=st.sampled_from(Stops),
)


@given(st.lists(switches))
def test_a_board_stops_exactly_what_one_of_its_switches_reaches(thrown: list[ThrownSwitch]) -> None:
    platform = tuple(one for one in thrown if one.of_platform)
    brands = {number: tuple(one for one in thrown if one.tenant_id == number) for number in (7, 8)}
    found = SwitchBoard(1, platform, brands).stopped(SPOT)
    assert (found is not None) is any(one.reaches(SPOT) for one in thrown)
    assert found is None or not any(one.closes and not found.closes for one in thrown if one.reaches(SPOT))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (new(Reach.EXCHANGE, "okex-live"), "exchange: expected one of okx-live, found okex-live"),
        (new(Reach.INSTRUMENT, "BTC/USDT:USDT"), "instrument: expected one of BTC/USDT, found BTC/USDT:USDT"),
        (new(Reach.STRATEGY), "strategy: expected one of 31, found nothing"),
        (new(Reach.ALL), "only the platform"),
        (new(Reach.TENANT, "8"), "names none, found 8"),
        (new(Reach.TENANT, reason=" "), "reason: expected 1 to 300 characters, found 0"),
        (new(Reach.TENANT, author=""), "expected a name"),
    ],
)
def test_what_a_brand_cannot_throw_is_refused_with_what_was_expected(wrong: NewSwitch, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        checked(wrong, KNOWN, of_platform=False)


def test_the_platform_names_which_brand_it_stops() -> None:
    with pytest.raises(InvalidInput, match="tenant: expected one of 7, 8, found 9"):
        checked(new(Reach.TENANT, "9"), KNOWN, of_platform=True)
    assert checked(new(Reach.TENANT, "8", reason=" two\n words "), KNOWN, of_platform=True).reason == "two words"
