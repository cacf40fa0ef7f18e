"""`copydesk lab` as an operator runs it: a process with defaults, a token made on first use, a clean end."""

from __future__ import annotations

import socket
import stat
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from copydesk.cli import run
from copydesk.demo.lab_control import LabControl
from copydesk.venues.lab import read_journal

ROOT = Path(__file__).parents[2]
COPYDESK = Path(sysconfig.get_path("scripts")) / "copydesk"


@contextmanager
def lab(var: Path, rest_port: int, ws_port: int) -> Iterator[list[str]]:
    """Run the command until the block ends; gives the lines it said until it was ready."""
    ports = ["--rest-port", str(rest_port), "--ws-port", str(ws_port)]
    command = [str(COPYDESK), "lab", "--root", str(ROOT), "--var", str(var), *ports]
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


def two_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def test_it_serves_with_a_private_token_and_keeps_its_state(tmp_path: Path) -> None:
    rest_port, ws_port = two_ports()
    token_file = tmp_path / "lab" / "token"
    with lab(tmp_path, rest_port, ws_port) as said:
        assert f"http://127.0.0.1:{rest_port}" in said[0]
        assert str(token_file) in said[0]
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
        token = token_file.read_text()
        with LabControl(f"http://127.0.0.1:{rest_port}", token) as control:
            control.open_account("ada", {"USDT": "100"})
    with lab(tmp_path, rest_port, ws_port), LabControl(f"http://127.0.0.1:{rest_port}", token) as control:
        assert control.call("GET", "state")["keys"] == 1
    kinds = {record["kind"] for record in read_journal(tmp_path / "lab" / "journal.jsonl")}
    assert {"account", "mark"} <= kinds


def test_a_busy_port_is_one_line_and_leaves_the_data_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["lab", "--root", str(ROOT), "--var", str(tmp_path), "--rest-port", str(port)]
        assert run(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"copydesk: port {port} on 127.0.0.1 is in use; stop what holds it or choose another with --rest-port"
    )
    assert list(tmp_path.iterdir()) == []
