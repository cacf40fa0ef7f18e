"""What the lab's Bybit says about API keys, and which rights it asks for."""

from __future__ import annotations

import time
from typing import Any

import pytest
from bybit_lab import RIGHTS, BybitLab, Keys, signed
from lab_thread import OWNER_IP

QUERY = "/v5/user/query-api"


def probed(lab: BybitLab, keys: Keys) -> dict[str, Any]:
    return dict(lab.get(QUERY, "", keys).result)


def named(rights: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: words for name, words in rights.items() if words}


@pytest.mark.parametrize(
    ("rights", "reads_only", "words"),
    [
        (
            ("read",),
            1,
            {"ContractTrade": ["Order", "Position"], "Derivatives": ["DerivativesTrade"], "Spot": ["SpotTrade"]},
        ),
        (("read", "trade"), 0, {"Spot": ["SpotTrade"]}),
        (("read", "perp"), 0, {"ContractTrade": ["Order", "Position"], "Derivatives": ["DerivativesTrade"]}),
        (("read", "trade", "transfer"), 0, {"Spot": ["SpotTrade"], "Wallet": ["AccountTransfer", "SubMemberTransfer"]}),
        (("read", "trade", "other"), 0, {"Spot": ["SpotTrade"], "Custody": ["CustodyManage"]}),
    ],
)
def test_a_keys_rights_are_told_in_the_exchanges_words(
    bybit_lab: BybitLab, rights: tuple[str, ...], reads_only: int, words: dict[str, list[str]]
) -> None:
    told = probed(bybit_lab, bybit_lab.open_account(rights))

    assert (told["readOnly"], named(told["permissions"])) == (reads_only, words)


def test_a_key_that_can_withdraw_says_so_and_is_bound(bybit_lab: BybitLab) -> None:
    owner = bybit_lab.open_account()
    keys = bybit_lab.issue_key(owner.account, ("read", "trade", "withdraw"), ips=[OWNER_IP])
    told = probed(bybit_lab, keys)

    assert told["permissions"]["Wallet"] == ["Withdraw"]
    assert (told["ips"], told["deadlineDay"], told["expiredAt"]) == ([OWNER_IP], -2, "1970-01-01T00:00:00Z")


def test_an_unbound_key_ends_after_ninety_days(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()
    told = probed(bybit_lab, keys)
    bybit_lab.exchange.clock_offset_ms = 91 * 86_400_000.0
    ended = bybit_lab.get(QUERY, "", keys).error
    later = bybit_lab.get(QUERY, "", keys, **late(keys, 91 * 86_400_000)).error
    bybit_lab.exchange.clock_offset_ms = 0.0

    assert (told["ips"], told["deadlineDay"] in (89, 90)) == (["*"], True)
    assert ended[1] == 10002
    assert later == (200, 33004, "Your api key has expired.")


def late(keys: Keys, offset_ms: int) -> dict[str, str]:
    """Return headers signed for another time."""
    return signed(keys, "", at_ms=int(time.time() * 1000) + offset_ms)


def test_keys_have_the_exchanges_lengths(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()

    assert (len(keys.api_key), len(keys.secret)) == (18, 36)
    assert (keys.api_key + keys.secret).isalnum()


def test_moving_money_needs_a_right_of_its_own(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account(("read", "trade", "perp"))
    body = {
        "transferId": "42c0cfb0-6bca-4242-bc76-4e6df6cbab99",
        "coin": "USDT",
        "amount": "1",
        "fromAccountType": "UNIFIED",
        "toAccountType": "FUND",
    }

    refused = bybit_lab.post("/v5/asset/transfer/inter-transfer", body, keys).error
    allowed = bybit_lab.post("/v5/asset/transfer/inter-transfer", body, bybit_lab.issue_key(keys.account, RIGHTS))

    assert refused[1] == 10005
    assert allowed.result["status"] == "SUCCESS"


def test_every_key_may_read_and_ask_about_itself(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account(("read",))
    reads = {
        QUERY: "",
        "/v5/account/info": "",
        "/v5/account/wallet-balance": "accountType=UNIFIED",
        "/v5/position/list": "category=linear&settleCoin=USDT",
        "/v5/order/realtime": "category=spot",
        "/v5/order/history": "category=linear",
        "/v5/execution/list": "category=linear",
        "/v5/account/fee-rate": "category=spot",
        "/v5/asset/coin/query-info": "",
    }

    assert {path: bybit_lab.get(path, query, keys).body["retCode"] for path, query in reads.items()} == dict.fromkeys(
        reads, 0
    )
