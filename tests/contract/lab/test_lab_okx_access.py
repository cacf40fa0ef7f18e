"""Keys of OKX: what a request must carry, in which words a wrong one is refused, and what a key tells of itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import ccxt
import pytest
from error_table import record
from okx_lab import Keys, OkxLab, signed

SPOT = "BTC/USDT"
ORDER = "/api/v5/trade/batch-orders"
BALANCE = "/api/v5/account/balance"
CONFIG = "/api/v5/account/config"
STRANGER = "6e2b1c7a-0000-4000-8000-123456789abc"
HOME = "198.51.100.1"
Spoil = Callable[[OkxLab, Keys], Keys]

SPOILED: list[tuple[str, Spoil, type[Exception]]] = [
    ("50119", lambda _, keys: keys._replace(api_key=STRANGER), ccxt.ExchangeError),
    ("50111", lambda _, keys: keys._replace(api_key="nonsense"), ccxt.AuthenticationError),
    ("50113", lambda _, keys: keys._replace(secret="0" * 32), ccxt.AuthenticationError),
    ("50105", lambda _, keys: keys._replace(passphrase="Wrong-1"), ccxt.AuthenticationError),
    ("50110", lambda lab, keys: lab.issue_key(keys.account, ips=[HOME]), ccxt.PermissionDenied),
    ("50120", lambda lab, keys: lab.issue_key(keys.account, ["read"]), ccxt.ExchangeError),
    ("50119", lambda lab, keys: lab.issue_key(keys.account, expires_ms=1), ccxt.ExchangeError),
]
TEXTS = {
    "50105": 'Request header "OK-ACCESS-PASSPHRASE" incorrect.',
    "50110": "Your IP 203.0.113.7 is not included in your API key's IP whitelist.",
    "50111": "Invalid OK-ACCESS-KEY",
    "50113": "Invalid Sign",
    "50119": "API key doesn't exist",
    "50120": "This API key doesn't have permission to use this function",
}
NAMES = ["unknown key", "malformed key", "signature", "passphrase", "foreign address", "right to trade", "expired key"]


@pytest.mark.parametrize(
    ("name", "code", "spoil", "error"), [(n, *row) for n, row in zip(NAMES, SPOILED, strict=True)], ids=NAMES
)
def test_a_key_that_may_not_is_refused_for_its_own_reason(
    fresh_okx: OkxLab, name: str, code: str, spoil: Spoil, error: type[Exception]
) -> None:
    lab, client = fresh_okx, fresh_okx.client()
    client.load_markets()
    keys = spoil(lab, lab.open_account())
    client.apiKey, client.secret, client.password = keys.api_key, keys.secret, keys.passphrase
    with pytest.raises(error) as raised:
        client.create_order(SPOT, "limit", "buy", 0.001, 90_000)
    reply = lab.call("POST", ORDER, "[]", keys)
    record("okx", name, *reply.error, type(raised.value).__name__)
    assert reply.error == (401, code, TEXTS[code])
    assert reply.body == {"msg": TEXTS[code], "code": code}
    assert type(raised.value) is error


HEADERS = [
    ("OK-ACCESS-KEY", "", "50103", 'Request header "OK-ACCESS-KEY" cannot be empty.'),
    ("OK-ACCESS-PASSPHRASE", "", "50104", 'Request header "OK-ACCESS-PASSPHRASE" cannot be empty.'),
    ("OK-ACCESS-SIGN", "", "50106", 'Request header "OK-ACCESS-SIGN" cannot be empty.'),
    ("OK-ACCESS-TIMESTAMP", "", "50107", 'Request header "OK-ACCESS-TIMESTAMP" cannot be empty.'),
    ("OK-ACCESS-TIMESTAMP", "yesterday", "50112", "Invalid OK-ACCESS-TIMESTAMP"),
    ("OK-ACCESS-TIMESTAMP", "2020-12-08T09:08:57.715Z", "50102", "Timestamp request expired"),
    ("x-simulated-trading", "1", "50101", "APIKey does not match current environment."),
]


@pytest.mark.parametrize(("name", "value", "code", "text"), HEADERS)
def test_a_wrong_header_is_told_by_its_own_code(fresh_okx: OkxLab, name: str, value: str, code: str, text: str) -> None:
    reply = fresh_okx.call("GET", BALANCE, keys=fresh_okx.open_account(), headers={name: value})
    record("okx", f"header {name}", *reply.error, "")
    assert reply.error == (401, code, text)


@pytest.mark.parametrize("off_s", [-35, 35])
def test_ccxt_takes_a_clock_that_is_off_for_an_invalid_nonce(fresh_okx: OkxLab, off_s: int) -> None:
    client = fresh_okx.client(fresh_okx.open_account())
    client.load_markets()
    client.options["timeDifference"] = -off_s * 1000
    with pytest.raises(ccxt.InvalidNonce) as raised:
        client.fetch_balance()
    record("okx", f"clock {off_s:+} s", 401, "50102", "Timestamp request expired", type(raised.value).__name__)


def test_ccxt_takes_the_demo_environment_for_a_failed_authentication(fresh_okx: OkxLab) -> None:
    client = fresh_okx.client(fresh_okx.open_account(), headers={"x-simulated-trading": "1"})
    with pytest.raises(ccxt.AuthenticationError) as raised:
        client.private_get_account_balance()
    assert '"50101"' in str(raised.value)


@pytest.mark.parametrize(("off_s", "status"), [(-25, 200), (25, 200), (-35, 401), (35, 401)])
def test_a_timestamp_may_be_thirty_seconds_off(fresh_okx: OkxLab, off_s: int, status: int) -> None:
    keys = fresh_okx.open_account()
    headers = signed(keys, "GET", BALANCE, at_s=time.time() + off_s)
    assert fresh_okx.call("GET", BALANCE, keys=keys, headers=headers).status == status


def test_a_timestamp_may_be_in_epoch_seconds(fresh_okx: OkxLab) -> None:
    keys, stamp = fresh_okx.open_account(), f"{time.time():.3f}"
    headers = {"OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-SIGN": keys.sign(f"{stamp}GET{BALANCE}")}
    reply = fresh_okx.call("GET", BALANCE, keys=keys, headers=headers)
    assert (reply.status, reply.body["code"]) == (200, "0")


def test_the_query_is_part_of_what_is_signed(fresh_okx: OkxLab) -> None:
    keys = fresh_okx.open_account()
    headers = signed(keys, "GET", f"{BALANCE}?ccy=USDT")
    assert fresh_okx.call("GET", f"{BALANCE}?ccy=USDT", keys=keys).status == 200
    assert fresh_okx.call("GET", f"{BALANCE}?ccy=BTC", keys=keys, headers=headers).error[1] == "50113"


@pytest.mark.parametrize(
    ("permissions", "perm"),
    [
        (("read",), "read_only"),
        (("read", "trade"), "read_only,trade"),
        (("read", "perp"), "read_only,trade"),
        (("read", "trade", "withdraw"), "read_only,withdraw,trade"),
        (("read", "trade", "transfer"), "read_only,trade"),
        (("read", "trade", "other"), "read_only,trade,other"),
    ],
)
def test_the_account_tells_what_its_key_may_do(fresh_okx: OkxLab, permissions: tuple[str, ...], perm: str) -> None:
    probe = fresh_okx.issue_key(fresh_okx.open_account().account, permissions, ["203.0.113.7"])
    config = fresh_okx.client(probe).private_get_account_config()["data"][0]
    assert (config["perm"], config["acctLv"], config["posMode"]) == (perm, "2", "net_mode")


def test_the_account_lists_the_addresses_of_its_key(fresh_okx: OkxLab) -> None:
    keys = fresh_okx.issue_key(fresh_okx.open_account().account, ips=[HOME, "203.0.113.7"])
    assert fresh_okx.call("GET", CONFIG, keys=keys).body["data"][0]["ip"] == f"{HOME},203.0.113.7"
    unbound = fresh_okx.issue_key(keys.account)
    assert fresh_okx.call("GET", CONFIG, keys=unbound).body["data"][0]["ip"] == ""


def test_keys_look_like_the_exchanges(fresh_okx: OkxLab) -> None:
    keys = fresh_okx.open_account()
    assert [len(part) for part in keys.api_key.split("-")] == [8, 4, 4, 4, 12]
    assert len(keys.secret) == 32 and keys.secret == keys.secret.upper() and int(keys.secret, 16)
    assert 8 <= len(keys.passphrase) <= 32


def test_another_accounts_limit_is_its_own(fresh_okx: OkxLab) -> None:
    first, second = fresh_okx.open_account(), fresh_okx.open_account()
    statuses = [fresh_okx.call("GET", BALANCE, keys=first).status for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert fresh_okx.call("GET", BALANCE, keys=second).status == 200


def test_another_instruments_orders_have_their_own_limit(fresh_okx: OkxLab) -> None:
    keys = fresh_okx.open_account()
    order = {"tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "1", "px": "0.01"}
    first, second = ([{**order, "instId": name}] for name in ("BTC-USDT", "ETH-USDT"))
    statuses = [fresh_okx.call("POST", ORDER, first, keys).status for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    assert fresh_okx.call("POST", ORDER, second, keys).status == 200


def test_a_batch_counts_each_of_its_orders(fresh_okx: OkxLab) -> None:
    keys = fresh_okx.open_account()
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "1", "px": "0.01"}
    statuses = [fresh_okx.call("POST", ORDER, [order] * 20, keys).status for _ in range(16)]
    assert statuses == [200] * 15 + [429]


def test_the_limit_ends_with_its_two_seconds(fresh_okx: OkxLab) -> None:
    keys = fresh_okx.open_account()
    statuses = [fresh_okx.call("GET", BALANCE, keys=keys).status for _ in range(11)]
    fresh_okx.exchange.clock_offset_ms += 2000.0
    assert (statuses[-1], fresh_okx.call("GET", BALANCE, keys=keys).status) == (429, 200)


def test_the_journal_keeps_no_secret_of_a_request(fresh_okx: OkxLab) -> None:
    keys = fresh_okx.open_account()
    fresh_okx.client(keys).create_order(SPOT, "limit", "buy", 0.001, 90_000, {"clientOrderId": "seen1"})
    asked = fresh_okx.records("request", client_order_id="seen1")
    told = [(row["account"], row["method"], row["path"], row["code"]) for row in asked]
    assert told == [(keys.account, "POST", ORDER, "0")]
    assert not any(secret in str(asked) for secret in keys[1:])
