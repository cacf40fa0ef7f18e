"""`copydesk up` as a process: ready, restarting, and leaving nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from copydesk.stack import VarDir, wait_until

TINY_UP = Path(__file__).with_name("tiny_up.py")


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return kept | {"DATABASE_OWNER_URL": "postgresql://owner@elsewhere/copydesk"}


def command(var: VarDir, port: int, *more: str) -> list[str]:
    return [sys.executable, str(TINY_UP), str(var.root), str(port), *more]


@contextmanager
def running_up(var: VarDir, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start it and wait until it says that it is ready; end it hard should the test have failed."""
    said = var.root.with_suffix(".out")
    with said.open("wb") as output:
        process = subprocess.Popen(command(var, port), env=environment(), stdout=output, stderr=output)
    try:
        ready = wait_until(lambda: b"ready" in said.read_bytes() or process.poll() is not None, patience_s=60)
        assert ready and process.poll() is None, said.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(map(lives, processes))


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def var(tmp_path: Path) -> VarDir:
    return VarDir(tmp_path / "var")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process_and_the_exit_is_clean(var: VarDir, free_port: int, ending: signal.Signals) -> None:
    with running_up(var, free_port) as process:
        children = family(process)
        names = {one.name() for one in children}
        process.send_signal(ending)
        assert process.wait(30) == 0
    assert {"postgres", "redis-server"} <= names
    assert gone(children)


def test_a_killed_up_leaves_no_process_and_the_next_start_works(var: VarDir, free_port: int) -> None:
    with running_up(var, free_port) as process:
        children = family(process)
        process.kill()
        process.wait()
        assert wait_until(lambda: gone(children), patience_s=30), [one for one in children if not gone([one])]
    with running_up(var, free_port):
        pass


def test_while_it_runs_it_restarts_refuses_a_second_and_hides_the_owner(var: VarDir, free_port: int) -> None:
    with running_up(var, free_port) as process:
        second = subprocess.run(command(var, free_port), env=environment(), capture_output=True, text=True)
        assert second.returncode == 1
        assert second.stderr.startswith(f"copydesk already runs on {var.root} (process {process.pid})")
        assert len(second.stderr.splitlines()) == 1
        assert (var.log / "web.log").read_text().startswith("no owner url")
        role = next(one for one in family(process) if "http.server" in " ".join(one.cmdline()))
        role.kill()
        assert wait_until(lambda: gone([role]) and answers(free_port), patience_s=30)


def test_a_busy_port_is_refused_in_one_line_before_any_role_starts(var: VarDir, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        refused = subprocess.run(command(var, free_port), env=environment(), capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        f"port {free_port} on 127.0.0.1 is in use; stop what holds it or choose another with --port"
    ]


@pytest.mark.parametrize(
    ("name", "address", "answer"),
    [
        ("DATABASE_URL", "postgresql://someone@127.0.0.1:1/copydesk", "migrations could not reach PostgreSQL: "),
        ("REDIS_URL", "redis://:hush@127.0.0.1:1", "Redis at REDIS_URL does not answer: "),
    ],
)
def test_a_named_server_that_refuses_is_told_in_one_line(
    var: VarDir, free_port: int, name: str, address: str, answer: str
) -> None:
    named = environment() | {"DATABASE_OWNER_URL": "", name: address}
    failed = subprocess.run(command(var, free_port), env=named, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(answer)
    assert "Traceback" not in failed.stderr
    assert "hush" not in failed.stderr


def test_a_role_that_does_not_stay_up_ends_everything_and_is_quoted(var: VarDir, free_port: int) -> None:
    failed = subprocess.run(command(var, free_port, "crash"), env=environment(), capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("worker did not stay up: the stand-in refuses to work")
    assert not answers(free_port)
    assert not (var.postgres / "postmaster.pid").exists()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
