"""Scripted faults, the artificial round trip, restarts, and the journal as the witness of all of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ccxt
import pytest
from ccxt import async_support
from lab_process import TOKEN, Keys, LabProcess

SYMBOL = "BTC/USDT"
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
SPOT_ONLY = {"options": {"fetchMargins": False, "fetchMarkets": {"types": ["spot"]}}}


@pytest.fixture(scope="module")
def keys(lab: LabProcess) -> Keys:
    return lab.open_account("faults", USDT="1000000", BTC="10")


@pytest.fixture(autouse=True)
def _no_faults_left(lab: LabProcess, keys: Keys) -> None:
    lab.control("DELETE", "faults")


def order(lab: LabProcess, keys: Keys, client_order_id: str) -> Any:
    return lab.signed("POST", "/api/v3/order", keys, ORDER | {"newClientOrderId": client_order_id})


def exists(lab: LabProcess, keys: Keys, client_order_id: str) -> bool:
    named = {"symbol": "BTCUSDT", "origClientOrderId": client_order_id}
    return bool(lab.signed("GET", "/api/v3/order", keys, named).status == 200)


def settled_journal(lab: LabProcess, kind: str, **wanted: Any) -> list[dict[str, Any]]:
    """Read the journal up to now: the lab writes within 50 ms, and a later mark proves that it did."""
    seq = lab.control("GET", "state")["journal_seq"]
    while (lab.journal("mark") or [{"seq": 0}])[-1]["seq"] <= seq:
        time.sleep(0.01)
    return lab.journal(kind, **wanted)


def test_an_order_executed_before_the_drop_exists(lab: LabProcess, keys: Keys) -> None:
    lab.control("POST", "faults", harm="execute_then_drop", path="/api/v3/order", account="faults", times=1)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        order(lab, keys, "dropped-after")
    assert exists(lab, keys, "dropped-after")


def test_ccxt_sees_a_dropped_answer_as_a_network_error(lab: LabProcess, keys: Keys) -> None:
    lab.control("POST", "faults", harm="execute_then_drop", path="/api/v3/order", account="faults", times=1)
    client = ccxt.binance(lab.options(keys) | SPOT_ONLY)
    with pytest.raises(ccxt.NetworkError):
        client.create_order(SYMBOL, "market", "buy", 0.001, None, {"newClientOrderId": "ccxt-dropped"})
    assert client.fetch_order(None, SYMBOL, {"origClientOrderId": "ccxt-dropped"})["status"] == "closed"
    client.session.close()


def test_an_order_dropped_before_execution_does_not_exist(lab: LabProcess, keys: Keys) -> None:
    lab.control("POST", "faults", harm="drop", method="POST", path="/api/v3/order", times=1)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        order(lab, keys, "dropped-before")
    assert not exists(lab, keys, "dropped-before")


@pytest.mark.parametrize(("executes", "name"), [(True, "done-503"), (False, "lost-503")])
def test_a_5xx_answer_says_nothing_about_the_order(lab: LabProcess, keys: Keys, executes: bool, name: str) -> None:
    lab.control("POST", "faults", harm="status", method="POST", status=503, executes=executes, times=1)
    answer = order(lab, keys, name)
    assert answer.error == (503, -1000, "An unknown error occurred while processing the request.")
    assert exists(lab, keys, name) is executes


def test_garbage_and_every_nth(lab: LabProcess, keys: Keys) -> None:
    lab.control("POST", "faults", harm="garbage", method="POST", path="/api/v3/order", every=3, executes=True)
    outcomes = []
    for i in range(6):
        try:
            outcomes.append(order(lab, keys, f"nth-{i}").status)
        except json.JSONDecodeError:
            outcomes.append("garbage")
    assert outcomes == [200, 200, "garbage", 200, 200, "garbage"]
    assert lab.control("GET", "state")["faults"][0]["hits"] == 2


def test_a_fault_with_an_unknown_field_is_refused_by_name(lab: LabProcess, keys: Keys) -> None:
    refused = lab.call("POST", "/lab/v1/faults", '{"harm":"drop","pth":"/"}', headers={"X-Lab-Token": TOKEN})
    assert (refused.status, refused.body["error"][:4]) == (422, "pth:")
    refused = lab.call("POST", "/lab/v1/faults", '{"harm":"burn"}', headers={"X-Lab-Token": TOKEN})
    assert refused.body["error"].startswith("harm: expected one of")


def test_the_journal_holds_request_execution_and_fault(lab: LabProcess, keys: Keys) -> None:
    lab.control("POST", "faults", harm="delay", path="/api/v3/order", delay_ms=5, times=1)
    answer = order(lab, keys, "witnessed").body
    request = settled_journal(lab, "request", client_order_id="witnessed", method="POST")
    assert [(r["account"], r["path"], r["status"], r["code"]) for r in request] == [("faults", "/api/v3/order", 200, 0)]
    assert not {"signature", "timestamp"} & set(request[0]["params"])
    executions = lab.journal("execution", client_order_id="witnessed")
    assert [e["order_id"] for e in executions] == [answer["orderId"]]
    assert (executions[0]["qty"], executions[0]["order_status"]) == ("0.001", "FILLED")
    assert lab.journal("fault")[-1]["harm"] == "delay"
    assert keys.secret not in (lab.data_dir / "journal.jsonl").read_text()


def test_each_request_takes_the_round_trip_without_blocking_others(own_lab: LabProcess) -> None:
    keys = own_lab.open_account("far", USDT="1000000")
    own_lab.control("POST", "rtt", ms=200)
    exchange = async_support.binance(own_lab.options(keys) | SPOT_ONLY)

    async def body() -> None:
        began = time.monotonic()
        await asyncio.gather(*(exchange.create_order(SYMBOL, "market", "buy", 0.001) for _ in range(20)))
        # One after the other the twenty would need four seconds.
        assert 0.2 <= time.monotonic() - began < 4.0

    _run(exchange, body)


def _run(exchange: Any, body: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await exchange.load_markets()
            await body()
        finally:
            await exchange.close()

    asyncio.run(whole())


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_restart_keeps_balances_orders_and_keys(own_lab: LabProcess, kill: bool) -> None:
    keys = own_lab.open_account("lasting", USDT="100000")
    order(own_lab, keys, "before")
    resting = {"type": "LIMIT", "timeInForce": "GTC", "price": "90000", "quantity": "0.01", "newClientOrderId": "open"}
    own_lab.signed("POST", "/api/v3/order", keys, ORDER | resting)
    balances = own_lab.signed("GET", "/api/v3/account", keys).body["balances"]
    settled_journal(own_lab, "mark")
    own_lab.stop(kill=kill)
    own_lab.start()
    assert own_lab.signed("GET", "/api/v3/account", keys).body["balances"] == balances
    assert exists(own_lab, keys, "before")
    assert [o["clientOrderId"] for o in own_lab.signed("GET", "/api/v3/openOrders", keys).body] == ["open"]
    trades = own_lab.signed("GET", "/api/v3/myTrades", keys, {"symbol": "BTCUSDT"}).body
    order(own_lab, keys, "after")
    more = own_lab.signed("GET", "/api/v3/myTrades", keys, {"symbol": "BTCUSDT"}).body
    assert more[: len(trades)] == trades
    assert len({trade["id"] for trade in more}) == len(more) > len(trades)


def start_wrongly(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "copydesk.venues.lab", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_a_wrong_start_says_what_is_wrong(lab: LabProcess, tmp_path: Path) -> None:
    token = tmp_path / "token"
    missing = start_wrongly("--data-dir", str(tmp_path / "d"), "--token-file", str(token))
    assert (missing.returncode, missing.stderr) == (
        1,
        f"Error: --token-file {token}: expected a readable file, No such file or directory\n",
    )
    token.write_text("x")
    taken = start_wrongly(
        "--data-dir", str(tmp_path / "d"), "--token-file", str(token), "--rest-port", str(lab.rest_port)
    )
    assert taken.returncode == 1
    assert taken.stderr.startswith(f"Error: lab rest port: expected to listen on 127.0.0.1:{lab.rest_port}, found ")
    second = start_wrongly("--data-dir", str(lab.data_dir), "--token-file", str(token))
    assert (second.returncode, second.stderr) == (
        1,
        f"Error: lab data folder {lab.data_dir}: expected no other lab on it, found one running\n",
    )
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "snapshot.json").write_text("{")
    spoiled = start_wrongly("--data-dir", str(tmp_path / "bad"), "--token-file", str(token))
    assert (spoiled.returncode, "expected a snapshot that this lab wrote" in spoiled.stderr) == (1, True)
    assert "Traceback" not in missing.stderr + taken.stderr + spoiled.stderr + second.stderr
