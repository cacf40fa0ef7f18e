"""Control calls on accounts, their money and their keys."""

from __future__ import annotations

from typing import Any

from copydesk.kernel import InvalidInput, NotFound
from copydesk.venues.lab.control.body import Body, Call, Lab, count, decimal, number, word, words
from copydesk.venues.lab.dialect import Dialect
from copydesk.venues.lab.exchange import FUNDING, FUTURES, TRADING, Exchange
from copydesk.venues.lab.keys import PERP, READ, TRADE, ApiKey
from copydesk.venues.lab.signatures import kind_of

MOMENT_MAX = 10**14
WALLETS = (TRADING, FUTURES, FUNDING)


def open_account(lab: Lab, body: Body) -> Any:
    """Open an account on one exchange; its name is new in the whole lab."""
    account, exchange, balances = word(body, "account"), lab.exchange(body), body.get("balances", {})
    if account.startswith("lab:"):
        raise InvalidInput(f"account: expected a name that does not begin with lab:, found {account!r}")
    if not isinstance(balances, dict):
        raise InvalidInput(f"balances: expected an object of asset to quantity, found {balances!r}")
    if lab.world.exchange_of(account) is not None:
        raise InvalidInput(f"account: account {account!r} exists already")
    try:
        exchange.create_account(account, {asset: decimal(balances, asset) for asset in balances})
    except ValueError as error:
        raise InvalidInput(f"account: {error}") from error
    return {"account": account, "venue": exchange.venue, "balances": exchange.spot.balances(account)}


def list_accounts(lab: Lab, body: Body) -> Any:
    """Show real accounts with money, positions and the number of open orders, some at a time."""
    offset, limit = count(body, "offset", 0, 10**9), count(body, "limit", 100)
    named = [
        (exchange, name)
        for exchange in lab.chosen(body)
        for name in exchange.spot.accounts()
        if not exchange.spot.account_table[name].house and body.get("account", name) == name
    ]
    rows = [account_view(exchange, name) for exchange, name in named[offset : offset + limit]]
    return {"total": len(named), "accounts": rows}


def account_view(exchange: Exchange, account: str) -> dict[str, Any]:
    """Describe one account in all its wallets."""
    margin = exchange.perp.margin(account)
    return {
        "account": account,
        "venue": exchange.venue,
        TRADING: {asset: pair for asset, pair in exchange.spot.balances(account).items() if any(pair)},
        FUTURES: {"wallet": margin.wallet, "equity": margin.equity, "available": margin.available},
        FUNDING: {asset: b.free for asset, b in exchange.funding[account].balances.items() if b.free},
        "positions": [
            {
                "symbol": p.symbol,
                "side": p.position_side,
                "qty": p.qty,
                "entry_px": p.entry_px,
                "mark_px": p.mark_px,
                "unrealized": p.unrealized,
                "leverage": p.leverage,
                "margin_mode": p.margin_mode,
            }
            for p in exchange.perp.positions(account)
        ],
        "open_orders": len(exchange.spot.open_orders(account)) + len(exchange.perp.open_orders(account)),
        "streams": len(exchange.streams.listeners.get(account, ())),
    }


def deposit(lab: Lab, body: Body) -> Any:
    """Add money from outside to a wallet; a negative quantity takes it out."""
    exchange, account = lab.account(body)
    wallet = body.get("wallet", TRADING)
    if wallet not in WALLETS:
        raise InvalidInput(f"wallet: expected one of {list(WALLETS)}, found {wallet!r}")
    try:
        exchange.deposit(account, word(body, "asset"), decimal(body, "qty"), wallet)
    except ValueError as error:
        raise InvalidInput(f"qty: {error}") from error
    return {"account": account, "balances": exchange.spot.balances(account)}


def issue_key(lab: Lab, body: Body) -> Any:
    """Create a key; the only answer that holds its secret."""
    rights, ips = words(body, "permissions", [READ, TRADE, PERP]), words(body, "ips", [])
    exchange, account = lab.account(body)
    dialect = lab.dialect(exchange)
    texts = dialect.key_texts()._replace(public_key=_public_key(body, dialect))
    key = exchange.keys.issue(texts, account, rights, ips, int(exchange.now_ms()), _moment(body, None))
    return {**key_view(exchange, key), "secret": key.secret, "passphrase": key.passphrase}


def list_keys(lab: Lab, body: Body) -> Any:
    """Show keys and their rights, without secrets."""
    keys = [(exchange, key) for exchange in lab.chosen(body) for key in exchange.keys]
    return {"keys": [key_view(e, key) for e, key in keys if body.get("account", key.account) == key.account]}


def change_key(lab: Lab, body: Body) -> Any:
    """Replace rights, addresses or expiry of a key; what is not named stays."""
    exchange, old = _key(lab, word(body, "apiKey"))
    rights, ips = words(body, "permissions", sorted(old.permissions)), words(body, "ips", sorted(old.ips))
    return key_view(exchange, exchange.keys.change(old.api_key, rights, ips, _moment(body, old.expires_ms)))


def revoke_key(lab: Lab, body: Body) -> Any:
    """Delete a key."""
    api_key = word(body, "apiKey")
    return {"revoked": any(exchange.keys.revoke(api_key) for exchange in lab.world.exchanges.values())}


def key_view(exchange: Exchange, key: ApiKey) -> dict[str, Any]:
    """Describe a key without its secret."""
    rights = {"permissions": sorted(key.permissions), "ips": sorted(key.ips), "expires_ms": key.expires_ms}
    return {"apiKey": key.api_key, "account": key.account, "venue": exchange.venue, **rights}


def _public_key(body: Body, dialect: Dialect) -> str:
    """Read the public key that an owner brings, "" where the key shares a secret."""
    if not body.get("public_key"):
        return ""
    text = word(body, "public_key")
    kind = kind_of(text)
    if kind not in dialect.pair_kinds:
        taken = " or ".join(sorted(dialect.pair_kinds)) or "no key pairs"
        raise InvalidInput(f"public_key: {dialect.venue} takes {taken}, found {kind}")
    return text


def _moment(body: Body, default: int | None) -> int | None:
    if "expires_ms" not in body:
        return default
    return None if body["expires_ms"] is None else int(number(body, "expires_ms", MOMENT_MAX))


def _key(lab: Lab, api_key: str) -> tuple[Exchange, ApiKey]:
    for exchange in lab.world.exchanges.values():
        key = exchange.keys.get(api_key)
        if key is not None:
            return exchange, key
    raise NotFound("apiKey: expected a key that the lab issued, found an unknown one")


CALLS = (
    Call("GET", "accounts", list_accounts, "venue, account, offset, limit", "accounts, money and positions"),
    Call("POST", "accounts", open_account, "account, venue (binance), balances", "opens an account"),
    Call("POST", "deposits", deposit, "account, asset, qty, wallet (trading)", "adds money; negative takes it out"),
    Call("GET", "keys", list_keys, "venue, account", "keys and their rights, without secrets"),
    Call(
        "POST",
        "keys",
        issue_key,
        "account, permissions (read, trade, perp), ips, expires_ms, public_key",
        "apiKey, secret, passphrase",
    ),
    Call("PATCH", "keys", change_key, "apiKey, permissions, ips, expires_ms", "changes what a key may do"),
    Call("DELETE", "keys", revoke_key, "apiKey", "revokes"),
)
