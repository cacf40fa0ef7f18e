from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab_process import LabProcess


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    """One lab per module, with BTC held at 100,000 so that every test knows the price."""
    process = LabProcess(tmp_path_factory.mktemp("lab"))
    process.start()
    process.control("POST", "marks", symbol="BTCUSDT", px="100000")
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    """A lab that the test may break, stop and start."""
    process = LabProcess(tmp_path_factory.mktemp("lab"))
    process.start()
    process.control("POST", "marks", symbol="BTCUSDT", px="100000")
    try:
        yield process
    finally:
        process.stop()
