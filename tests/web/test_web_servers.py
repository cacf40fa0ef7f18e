"""The two commands as an operator runs them: they serve, they end on a signal, and a busy port is one line."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from copydesk.stack import wait_until
from copydesk.web.listening import allow_open_files
from site_seed import ROOT, Seeded

COPYDESK = str(Path(sys.executable).parent / "copydesk")


@pytest.fixture(scope="module")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder beside the module's database: what was wrapped with its key file is in that database."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture
def environment(database_url: str, redis_url: str, seeded: Seeded, var_dir: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "COPYDESK_ROOT": str(ROOT),
        "COPYDESK_VAR": str(var_dir),
    }


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def answer(port: int, host: str, path: str) -> tuple[int, str] | None:
    """Ask once; None while nobody listens."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", path, headers={"Host": host, "Connection": "close"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            return None


def test_the_sites_serve_both_brands_and_end_on_a_signal(environment: dict[str, str], free_port: int) -> None:
    command = [COPYDESK, "web", "--port", str(free_port), "--workers", "1"]
    with subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True) as server:
        try:
            assert wait_until(lambda: answer(free_port, "any.example", "/health") is not None, patience_s=30)
            pages = [answer(free_port, f"{brand}.localhost", "/strategies") for brand in ("aurora", "boreal")]
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=15) == 0
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
    for page, name in zip(pages, ("Dawn Runner", "Fjord Scalper"), strict=True):
        assert page is not None
        assert page[0] == 200
        assert name in page[1]


def test_a_link_made_on_the_command_line_opens_the_desk_that_is_served(
    environment: dict[str, str], free_port: int
) -> None:
    command = [COPYDESK, "web", "--port", str(free_port), "--workers", "1"]
    with subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True) as server:
        try:
            assert wait_until(lambda: answer(free_port, "any.example", "/health") is not None, patience_s=30)
            before = answer(free_port, "aurora.localhost", "/risk/enter?token=nonsense")
            link = [COPYDESK, "risk", "link", "--tenant", "aurora"]
            made = subprocess.run(link, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
            path = made.stdout.strip().partition(":8000")[2]
            opened = answer(free_port, "aurora.localhost", path)
            elsewhere = answer(free_port, "boreal.localhost", path)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
    assert [one and one[0] for one in (before, opened, elsewhere)] == [403, 303, 403]


def test_a_site_whose_forms_cannot_be_signed_says_so_at_the_start(
    environment: dict[str, str], free_port: int, tmp_path: Path
) -> None:
    made = [COPYDESK, "risk", "link", "--tenant", "aurora"]
    subprocess.run(made, env=environment, cwd=ROOT, capture_output=True, timeout=60, check=True)
    command = [COPYDESK, "web", "--port", str(free_port)]
    lost = {**environment, "COPYDESK_VAR": str(tmp_path)}
    done = subprocess.run(command, env=lost, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "web/key is missing" in done.stderr


@pytest.mark.parametrize("role", ("web", "live"))
def test_a_busy_port_is_one_line_and_exit_code_one(environment: dict[str, str], taken_port: int, role: str) -> None:
    done = subprocess.run(
        [COPYDESK, role, "--port", str(taken_port)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    complaint = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert len(complaint) == 1
    assert str(taken_port) in complaint[0]
    assert "--port" in complaint[0]


@pytest.mark.parametrize(
    ("role", "name", "address", "sentence"),
    [
        ("web", "DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "PostgreSQL at DATABASE_URL refuses: "),
        ("live", "DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "PostgreSQL at DATABASE_URL refuses: "),
        ("live", "REDIS_URL", "redis://127.0.0.1:1", "Redis at REDIS_URL does not answer: "),
        ("live", "FORWARDED_ALLOW_IPS", "proxy.example", "FORWARDED_ALLOW_IPS: expected addresses or networks"),
    ],
)
def test_what_would_fail_every_visitor_is_one_line_at_the_start(
    environment: dict[str, str], free_port: int, role: str, name: str, address: str, sentence: str
) -> None:
    done = subprocess.run(
        [COPYDESK, role, "--port", str(free_port)],
        env={**environment, name: address},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (complaint,) = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert complaint.startswith(f"copydesk: {sentence}")


def test_live_may_open_as_many_files_as_the_system_grants() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
