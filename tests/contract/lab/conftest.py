from __future__ import annotations

from collections.abc import Iterator

import error_table
import pytest
from binance_lab import BinanceLab
from bitget_lab import BitgetLab
from bybit_lab import BybitLab
from lab_process import LabProcess
from okx_lab import OkxLab


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


@pytest.fixture(scope="module")
def okx_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OkxLab]:
    """OKX alone, one per module."""
    lab = OkxLab(tmp_path_factory.mktemp("okx"))
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="module")
def bybit_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BybitLab]:
    """Bybit alone, one per module."""
    lab = BybitLab(tmp_path_factory.mktemp("bybit"))
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()


@pytest.fixture
def fresh_okx(okx_lab: OkxLab) -> Iterator[OkxLab]:
    """OKX at the start of a two-second window, so that a burst of requests falls into one."""
    okx_lab.exchange.clock_offset_ms = -(okx_lab.world.now_ms() % 2000.0)
    okx_lab.forget_limits()
    yield okx_lab
    okx_lab.exchange.clock_offset_ms = 0.0
    okx_lab.forget_limits()


@pytest.fixture(scope="module")
def binance_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BinanceLab]:
    """Binance alone, one per module."""
    lab = BinanceLab(tmp_path_factory.mktemp("binance"))
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="module")
def bitget_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BitgetLab]:
    """Bitget alone, both kinds of account, one per module."""
    lab = BitgetLab(tmp_path_factory.mktemp("bitget"))
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the exchanges answered to provoked failures."""
    if error_table.ROWS:
        terminalreporter.section("failures as the lab's exchanges tell them")
        terminalreporter.write("\n".join(error_table.lines()) + "\n")
