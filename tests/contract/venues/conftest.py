"""One lab for the whole contract suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from venue_lab import LabProcess, lab_process


@pytest.fixture(scope="module")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    with lab_process(tmp_path_factory.mktemp("lab")) as process:
        yield process


@pytest.fixture
def lab(running_lab: LabProcess) -> Iterator[LabProcess]:
    """The lab with BTC held at 60000 and no fault in force."""
    running_lab.control("POST", "marks", symbol="BTCUSDT", px="60000")
    yield running_lab
    running_lab.control("DELETE", "faults")
