"""`copydesk lab` as an operator runs it: a process with defaults, a token made on first use, steered by commands."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from copydesk.cli import run
from copydesk.cli.ports import free_ports
from copydesk.demo.lab_control import LabControl
from copydesk.venues import generate
from copydesk.venues.lab import ADDRESSES, read_journal

ROOT = Path(__file__).parents[2]
COPYDESK = Path(sysconfig.get_path("scripts")) / "copydesk"


@contextmanager
def lab(var: Path, *options: str) -> Iterator[list[str]]:
    """Run `lab serve` until the block ends; gives the lines it said until it was ready."""
    rest, ws, control = map(str, free_ports(3))
    ports = ["--rest-port", rest, "--ws-port", ws, "--control-port", control]
    command = [str(COPYDESK), "lab", "serve", "--root", str(ROOT), "--var", str(var), *ports, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said: list[str] = []
        try:
            while not said or not said[-1].startswith("ready"):
                line = process.stderr.readline()
                assert line, f"the lab ended early: {said}"
                said.append(line.strip())
            yield said
        finally:
            process.terminate()
            code = process.wait(timeout=20)
        assert code == 0


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a lab that runs under TLS too."""
    folder = tmp_path_factory.mktemp("var")
    with lab(folder, "--tls-port", "0"):
        yield folder


@pytest.fixture
def steer(var: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command of the lab and return what it printed, read as JSON where it is."""

    def act(*words: str) -> Any:
        assert run(["lab", *words[:2], "--root", str(ROOT), "--var", str(var), *words[2:]]) == 0
        shown = capsys.readouterr().out
        return json.loads(shown) if "--json" in words else shown

    return act


def test_it_serves_with_a_private_token_and_keeps_its_state(tmp_path: Path) -> None:
    token_file, places = tmp_path / "lab" / "token", tmp_path / "lab" / ADDRESSES
    with lab(tmp_path) as said:
        assert str(token_file) in said[1]
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
        with LabControl(json.loads(places.read_text())["control"], token_file.read_text()) as control:
            control.open_account("ada", {"USDT": "100"})
    assert not places.exists()
    with lab(tmp_path), LabControl(json.loads(places.read_text())["control"], token_file.read_text()) as control:
        assert control.call("GET", "state")["exchanges"]["binance"]["keys"] == 1
    kinds = {record["kind"] for record in read_journal(tmp_path / "lab" / "journal.jsonl")}
    assert {"account", "mark"} <= kinds


def test_a_busy_port_is_one_line_and_leaves_the_data_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["lab", "serve", "--root", str(ROOT), "--var", str(tmp_path), "--rest-port", str(port)]
        assert run(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"copydesk: port {port} on 127.0.0.1 is in use; stop what holds it or choose another with --rest-port"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["accounts", "list"], ["journal"], ["urls"], ["same-host"]], ids=" ".join)
def test_without_a_lab_a_command_says_how_to_start_one(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lab", *words, "--root", str(ROOT), "--var", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"copydesk: no lab runs on {tmp_path / 'lab'}: start one with copydesk lab serve")


def test_an_account_is_opened_funded_given_a_key_and_shown(steer: Any) -> None:
    steer("accounts", "open", "ada", "--venue", "okx", "--balance", "USDT=1000")
    steer("accounts", "fund", "ada", "USDT", "50", "--wallet", "funding")
    key = steer("keys", "issue", "ada", "--may", "read", "--ip", "203.0.113.7", "--json")
    (account,) = steer("accounts", "list", "--venue", "okx", "--json")["accounts"]
    assert (account["trading"]["USDT"][0], account["funding"]["USDT"]) == ("1000", "50")
    assert key["passphrase"]
    steer("keys", "change", key["apiKey"], "--may", "trade")
    (shown,) = steer("keys", "list", "--account", "ada", "--json")["keys"]
    assert (shown["permissions"], shown["ips"]) == (["trade"], ["203.0.113.7"])
    assert key["secret"] not in json.dumps(shown)
    assert "revoked" in steer("keys", "revoke", key["apiKey"])
    assert "ada" in steer("accounts", "list")


def test_a_key_is_given_to_whoever_holds_the_private_half(steer: Any, tmp_path: Path) -> None:
    pair = generate("binance")
    assert pair is not None
    file = tmp_path / "ours.pem"
    file.write_text(pair.public_pem)
    steer("accounts", "open", "edda", "--venue", "binance")
    made = steer("keys", "issue", "edda", "--public-key", str(file), "--json")
    assert made["apiKey"] and made["secret"] == ""


def test_a_fault_is_added_shown_and_lifted(steer: Any) -> None:
    assert "partial_fill" in steer("faults", "kinds")
    fault = steer("faults", "add", "delay", "delay_ms=5", "venue=okx", "path=/api/v5/nothing", "--json")
    (row,) = steer("faults", "list", "--json")["faults"]
    assert (row["id"], row["delay_ms"], row["path"]) == (fault["id"], 5, "/api/v5/nothing")
    assert steer("faults", "lift", str(fault["id"])) == "1 lifted\n"


def test_the_market_is_shown_and_steered(steer: Any) -> None:
    steer("market", "pin", "BTCUSDT", "50000")
    steer("market", "speed", "0")
    steer("market", "depth", "2", "--venue", "bybit")
    gap = steer("market", "gap", "BTCUSDT", "-10", "--json")
    steer("market", "halt", "BTC-USDT", "--venue", "okx")
    shown = steer("market", "show", "--json")
    assert (shown["pins"]["BTCUSDT"], shown["speed"], shown["depth"]["bybit"]) == ("45000.0", 0.0, "2")
    assert shown["halted"] == [{"venue": "okx", "market": "spot", "symbol": "BTC-USDT"}]
    assert "BTCUSDT" in steer("market", "books", "--venue", "binance")
    steer("market", "halt", "BTC-USDT", "--venue", "okx", "--resume")
    steer("faults", "lift", str(gap["id"]))
    steer("market", "pin", "BTCUSDT")


def test_the_journal_is_filtered(steer: Any, var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steer("accounts", "open", "eve", "--venue", "bybit")
    where = ["--root", str(ROOT), "--var", str(var)]
    assert run(["lab", "journal", *where, "--venue", "bybit", "--kind", "account", "--json"]) == 0
    (record,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (record["account"], record["change"]) == ("eve", "created")
    assert run(["lab", "journal", *where, "--since", "yesterday"]) == 1
    assert "--since: expected a time such as" in capsys.readouterr().err


def test_the_journal_is_followed_until_interrupted(var: Path) -> None:
    command = [str(COPYDESK), "lab", "journal", "--root", str(ROOT), "--var", str(var), "--follow", "--json"]
    with subprocess.Popen([*command, "--kind", "account", "--account", "fay"], stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        places = json.loads((var / "lab" / ADDRESSES).read_text())
        with LabControl(places["control"], (var / "lab" / "token").read_text()) as control:
            control.call("POST", "accounts", {"account": "fay", "balances": {}})
        try:
            assert json.loads(following.stdout.readline())["account"] == "fay"
        finally:
            following.terminate()


def test_addresses_are_printed_for_ccxt(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--root", str(ROOT), "--var", str(var), "--venue", "binance", "--json"]
    assert run(["lab", "urls", *where]) == 0
    assert json.loads(capsys.readouterr().out)["binance"]["api"]["fapiPrivate"].startswith("http://127.0.0.1:")
    assert run(["lab", "urls", "--tls", *where]) == 0
    shown = json.loads(capsys.readouterr().out)["binance"]["api"]
    assert shown["fapiPrivate"].startswith("https://demo-fapi.lab.test:")


def test_same_host_mode_is_an_environment_for_eval(var: Path) -> None:
    command = f'eval "$("{COPYDESK}" lab same-host --root "{ROOT}" --var "{var}")" && exec "$0" -c "$1"'
    look = "import socket; print(socket.getaddrinfo('api.binance.com', 443, type=socket.SOCK_STREAM)[0][4])"
    told = subprocess.run(
        ["sh", "-c", command, str(COPYDESK.with_name("python")), look],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
    )
    places = json.loads((var / "lab" / ADDRESSES).read_text())
    assert (told.returncode, told.stdout.strip()) == (0, str(("127.0.0.1", places["tls_ports"][0]))), told.stderr
