"""The control call that opens many accounts alike in one go, each with its money, settings and a key."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import InvalidInput
from copydesk.venues.lab.control.accounts import WALLETS, issue_key, open_account
from copydesk.venues.lab.control.body import Body, Call, Lab, count, decimal, word
from copydesk.venues.lab.exchange import TRADING, Exchange

CROWD_MAX = 1_000
NUMBER_MAX = 10**6


def open_crowd(lab: Lab, body: Body) -> Any:
    """Open accounts named "<account>:<number>" from `first` on, and return a key of each, in their order.

    With `leverage` each trades one-way, with this leverage on every perpetual.
    """
    prefix, exchange, wallet = word(body, "account"), lab.exchange(body), body.get("wallet", TRADING)
    first, many = count(body, "first", 0, NUMBER_MAX), count(body, "count", 1, CROWD_MAX)
    leverage, balances = count(body, "leverage", 0), body.get("balances", {})
    if wallet not in WALLETS:
        raise InvalidInput(f"wallet: expected one of {list(WALLETS)}, found {wallet!r}")
    if not isinstance(balances, dict):
        raise InvalidInput(f"balances: expected an object of asset to quantity, found {balances!r}")
    money = {asset: decimal(balances, asset) for asset in balances}
    keys = []
    for number in range(first, first + many):
        account = f"{prefix}:{number}"
        open_account(lab, {"account": account, "venue": exchange.venue})
        _fund(exchange, account, wallet, money)
        if leverage:
            _settle_in(exchange, account, leverage)
        key = issue_key(lab, {"account": account})
        keys.append({name: key[name] for name in ("account", "apiKey", "secret", "passphrase")})
    return {"keys": keys}


def _fund(exchange: Exchange, account: str, wallet: str, money: dict[str, Decimal]) -> None:
    for asset, qty in money.items():
        try:
            exchange.deposit(account, asset, qty, wallet)
        except ValueError as error:
            raise InvalidInput(f"balances: {error}") from error


def _settle_in(exchange: Exchange, account: str, leverage: int) -> None:
    """Change what is not so already; a leverage above what a perpetual allows leaves that one as it is."""
    now_ms, perp = int(exchange.now_ms()), exchange.perp
    changes = [perp.set_position_mode(account, False, now_ms)]
    changes += [perp.set_leverage(account, symbol, leverage, now_ms) for symbol in perp.instruments]
    for change in changes:
        exchange.publish(change.events, now_ms)


CALLS = (
    Call(
        "POST",
        "crowds",
        open_crowd,
        "account, first (0), count (1), venue (binance), balances, wallet (trading), leverage",
        "opens many accounts alike, answers a key of each",
    ),
)
