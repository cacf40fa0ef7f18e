"""pybit, unmodified and with no address but the exchange's own, trades and listens on the lab in same-host mode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from copydesk.venues.lab import ports_to, write_same_host
from lab_process import LabProcess

STRANGER = Path(__file__).with_name("bybit_stranger.py")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabProcess]:
    process = LabProcess(tmp_path)
    # pybit sends an order before it notes whom to tell of the answer: one that comes at once is dropped.
    process.start("--tls-port", "0", "--rtt-ms", "20")
    process.control("POST", "marks", symbol="BTCUSDT", px="100000")
    try:
        yield process
    finally:
        process.stop()


def test_pybit_trades_and_listens_by_the_exchanges_own_names(lab: LabProcess, tmp_path: Path) -> None:
    environment = write_same_host(
        tmp_path / "same-host",
        address="127.0.0.1",
        tls_ports=ports_to(lab.ready["tls_ports"]),
        ca_file=Path(lab.ready["ca_file"]),
    )
    lab.control("POST", "accounts", account="py", venue="bybit", balances={"USDT": "100000"})
    key = lab.control("POST", "keys", account="py", permissions=["read", "trade", "perp"])

    ran = subprocess.run(
        [sys.executable, str(STRANGER), json.dumps({"api_key": key["apiKey"], "api_secret": key["secret"]})],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "book": True,
        "market": [True, "Filled", "0.010"],
        "position": "0.010",
        "wallet": "USDT",
        "limit": [True, "New"],
    }
