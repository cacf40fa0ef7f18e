"""TLS: one authority for good, a certificate for every name, REST and WebSocket on one port, strangers unmodified."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.pro
import pytest
from ccxt import async_support
from copydesk.venues.lab import ccxt_urls, exports, ports_to, write_same_host
from copydesk.venues.lab.tls import CA_FILE, CA_KEY_FILE, HOSTS, SERVER_FILE, open_authority
from lab_process import TOKEN, LabProcess

STRANGER = Path(__file__).with_name("stranger.py")
VENUES = ("binance", "okx", "bybit", "bitget")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    process = LabProcess(tmp_path_factory.mktemp("tls"))
    process.start("--tls-port", "0")
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def same_host(lab: LabProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a program in same-host mode."""
    return write_same_host(
        tmp_path_factory.mktemp("same-host"),
        address="127.0.0.1",
        tls_ports=ports_to(lab.ready["tls_ports"]),
        ca_file=Path(lab.ready["ca_file"]),
    )


def trusting(lab: LabProcess) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=lab.ready["ca_file"])


def served(lab: LabProcess, host: str) -> Any:
    """Connect to the TLS port as if it were that host, and return the certificate that was shown."""
    with (
        socket.create_connection(("127.0.0.1", lab.ready["tls_ports"][0])) as plain,
        trusting(lab).wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert()


def test_the_authority_outlives_restarts_and_its_key_is_private(tmp_path: Path) -> None:
    open_authority(tmp_path)
    ca, server = (tmp_path / CA_FILE).read_bytes(), (tmp_path / SERVER_FILE).read_bytes()
    open_authority(tmp_path)
    assert ((tmp_path / CA_FILE).read_bytes(), (tmp_path / SERVER_FILE).read_bytes()) == (ca, server)
    for name in (CA_FILE, CA_KEY_FILE, SERVER_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_lost_server_certificate_is_made_anew_by_the_same_authority(tmp_path: Path) -> None:
    open_authority(tmp_path)
    ca = (tmp_path / CA_FILE).read_bytes()
    (tmp_path / SERVER_FILE).unlink()
    open_authority(tmp_path)
    assert (tmp_path / CA_FILE).read_bytes() == ca
    assert ca in (tmp_path / SERVER_FILE).read_bytes()


@pytest.mark.parametrize(
    "host",
    [
        *HOSTS,
        *("api.binance.com", "fapi.binance.com", "stream.binance.com", "ws-fapi.binance.com", "demo-fapi.binance.com"),
        *("www.okx.com", "ws.okx.com", "stream.bybit.com", "ws.bitget.com", "lab.test", "demo-fapi.lab.test"),
        *("api.binance.lab.test", "localhost", "127.0.0.1"),
    ],
)
def test_the_certificate_is_good_for_every_host_that_the_lab_plays(lab: LabProcess, host: str) -> None:
    assert served(lab, host)


def test_a_host_that_the_lab_does_not_play_is_not_vouched_for(lab: LabProcess) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        served(lab, "example.org")


def test_a_port_under_tls_answers_rest_and_websocket(lab: LabProcess) -> None:
    port = lab.ready["tls_ports"][0]

    async def both() -> None:
        context = trusting(lab)
        async with asyncio.timeout(20), aiohttp.ClientSession() as session:
            async with session.get(f"https://127.0.0.1:{port}/api/v3/ping", ssl=context) as answer:
                assert (answer.status, await answer.json()) == (200, {})
            async with session.ws_connect(f"https://127.0.0.1:{port}/ws/v5/public", ssl=context) as ws:
                await ws.send_str("ping")
                assert (await ws.receive()).data == "pong"
            async with session.get(f"https://127.0.0.1:{port}/ws/v5/public", ssl=context) as answer:
                assert answer.status == 404

    asyncio.run(both())


def test_a_dropped_request_loses_its_connection_under_tls_too(lab: LabProcess) -> None:
    fault = lab.control("POST", "faults", harm="drop", path="/api/v3/time", times=1)
    connection = http.client.HTTPSConnection("127.0.0.1", lab.ready["tls_ports"][0], context=trusting(lab), timeout=10)
    try:
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.request("GET", "/api/v3/time")
            connection.getresponse()
    finally:
        connection.close()
        lab.control("DELETE", "faults", id=fault["id"])


def test_control_is_on_no_other_port_than_its_own(lab: LabProcess) -> None:
    answers = []
    for port, secure in ((lab.ready["rest_port"], False), (lab.ready["tls_ports"][0], True)):
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        extra = {"context": trusting(lab)} if secure else {}
        connection = kind("127.0.0.1", port, timeout=10, **extra)
        connection.request("GET", "/lab/v1/state", headers={"X-Lab-Token": TOKEN})
        answers.append(connection.getresponse().status)
        connection.close()
    assert answers == [404, 404]


def opened(lab: LabProcess, venue: str, name: str) -> dict[str, str]:
    """Open an account with money in both wallets; return its key as ccxt takes it."""
    lab.control("POST", "accounts", account=name, venue=venue, balances={"USDT": "1000000"})
    lab.control("POST", "deposits", account=name, asset="USDT", qty="1000000", wallet="futures")
    key = lab.control("POST", "keys", account=name)
    return {"apiKey": key["apiKey"], "secret": key["secret"], "password": key["passphrase"]}


@pytest.mark.parametrize("kind", ["sync", "async", "pro"])
@pytest.mark.parametrize("venue", VENUES)
def test_a_stranger_that_knows_only_the_real_names_trades_on_the_lab(
    lab: LabProcess, same_host: dict[str, str], venue: str, kind: str
) -> None:
    key = opened(lab, venue, f"stranger-{venue}-{kind}")
    ran = subprocess.run(
        [sys.executable, str(STRANGER), venue, kind, json.dumps(key)],
        env={"PATH": os.environ["PATH"], **same_host},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == {"bought": 0.01}
    fills = lab.journal("execution", account=f"stranger-{venue}-{kind}")
    assert {(fill["venue"], fill["side"]) for fill in fills} == {(venue, "buy")}


def test_under_tls_ccxt_tells_binance_futures_errors_apart_as_on_the_real_host(
    lab: LabProcess, same_host: dict[str, str]
) -> None:
    lab.control("POST", "accounts", account="poor", venue="binance", balances={})
    key = lab.control("POST", "keys", account="poor")
    login = {"apiKey": key["apiKey"], "secret": key["secret"]}
    ran = subprocess.run(
        [sys.executable, str(STRANGER), "binance", "poor", json.dumps(login)],
        env={"PATH": os.environ["PATH"], **same_host},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == {"refused": "InsufficientFunds"}


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_explicit_addresses_leave_none_of_the_real_ones(lab: LabProcess, venue: str, secure: bool) -> None:
    rest, ws = ("https://lab.test:8443", "wss://lab.test:8443") if secure else (lab.ready["rest"], lab.ready["ws"])
    client = getattr(ccxt.pro, venue)({"urls": ccxt_urls(venue, rest, ws)})
    shown = json.dumps(client.urls["api"])
    assert not [host for host in HOSTS if host in shown]
    assert "{hostname}" not in shown


@pytest.mark.parametrize("venue", VENUES)
def test_explicit_plain_addresses_suffice_to_trade(lab: LabProcess, venue: str) -> None:
    key = opened(lab, venue, f"explicit-{venue}")

    async def trade() -> None:
        urls = ccxt_urls(venue, lab.ready["rest"], lab.ready["ws"])
        client = getattr(async_support, venue)({**key, "urls": urls, "enableRateLimit": False})
        try:
            async with asyncio.timeout(30):
                await client.load_markets()
                amount = client.amount_to_precision(
                    "BTC/USDT:USDT", 0.01 / client.market("BTC/USDT:USDT")["contractSize"]
                )
                await client.create_order("BTC/USDT:USDT", "market", "buy", float(amount))
                (position,) = await client.fetch_positions(["BTC/USDT:USDT"])
                assert position["contracts"] * position["contractSize"] == 0.01
        finally:
            await client.close()

    asyncio.run(trade())


def test_exports_keep_an_existing_path_behind_ours(tmp_path: Path) -> None:
    script = exports({"PYTHONPATH": str(tmp_path), "SSL_CERT_FILE": "a b"})
    told = subprocess.run(
        ["sh", "-c", f'{script}\necho "$PYTHONPATH|$SSL_CERT_FILE"'],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == f"{tmp_path}:mine|a b"


def test_ports_of_the_real_addresses_lead_to_the_lab_wherever_it_listens() -> None:
    assert ports_to([8443, 443]) == {443: 443, 9443: 8443, 8443: 8443}
    assert ports_to([12345]) == {443: 12345, 9443: 12345, 8443: 12345}
