"""The traders' keys are shown once by the exchange: their file must outlive interruptions and stay private."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from copydesk.demo.seed import TraderSeat, write_seats

ONE, TWO = (
    TraderSeat("aurora:trader:one", "binance", "spot", "ladder", "k1", "s1"),
    TraderSeat("boreal:trader:two", "okx", "perp", "turns", "k2", "s2", "p2"),
)


def keys(path: Path) -> dict[str, str]:
    return {seat["account"]: seat["api_key"] for seat in json.loads(path.read_bytes())}


def test_seats_of_a_second_brand_join_those_on_file(tmp_path: Path) -> None:
    path = tmp_path / "demo" / "traders.json"
    write_seats(path, [ONE])
    write_seats(path, [TWO])
    assert keys(path) == {ONE.account: "k1", TWO.account: "k2"}


def test_a_renewed_key_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "traders.json"
    write_seats(path, [ONE, TWO])
    write_seats(path, [replace(ONE, api_key="k3", secret="s3")])
    assert keys(path) == {ONE.account: "k3", TWO.account: "k2"}


def test_a_seats_file_that_anybody_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "traders.json"
    path.write_text("[]")
    path.chmod(0o644)
    write_seats(path, [ONE])
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
