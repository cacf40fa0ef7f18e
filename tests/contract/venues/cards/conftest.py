"""Cards are coroutines that get a `desk`: one for every exchange, kind of account and market."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from card_desk import Desk, open_desk
from card_floor import PX, SEATS, Floor, Seat
from venue_lab import lab_process


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    with lab_process(tmp_path_factory.mktemp("lab")) as lab:
        made = Floor(lab)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(params=SEATS, ids=str)
def seat(request: pytest.FixtureRequest) -> Seat:
    return request.param


@pytest.fixture
def desk(floor: Floor, seat: Seat) -> Iterator[Desk]:
    """A fresh account, BTC held at its price, and no fault in force."""
    floor.lab.control("POST", "marks", symbol="BTCUSDT", px=PX)
    yield floor.run(open_desk(floor, seat))
    floor.lab.control("DELETE", "faults")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Play a card that is a coroutine on the floor's event loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    pyfuncitem.funcargs["desk"].floor.run(pyfuncitem.obj(**arguments))
    return True
