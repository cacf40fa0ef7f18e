"""The lab's own API under /lab/v1: accounts, keys, money, faults, time and prices, for tests and the demo.

Every call carries the lab's token in `X-Lab-Token`; bodies and answers are JSON, money as text.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from copydesk.kernel import ConfigError, InvalidInput, NotFound, Refused
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.keys import READ, TRADE, ApiKey
from copydesk.venues.lab.server import Answer, Request

PREFIX = "/lab/v1/"
SPEED_MAX = 100_000
RTT_MS_MAX = 60_000
COUNT_MAX = 1_000_000
Body = Mapping[str, Any]


class Control:
    """Answer control calls on one lab."""

    def __init__(self, lab: Lab, token: str) -> None:
        if not token:
            raise ConfigError("lab token: expected a text, found nothing")
        self._lab = lab
        self._token = token
        self._calls: dict[tuple[str, str], Callable[[Body], Any]] = {
            ("GET", "health"): self._health,
            ("GET", "state"): self._state,
            ("POST", "accounts"): self._create_account,
            ("POST", "deposits"): self._deposit,
            ("POST", "keys"): self._issue_key,
            ("PATCH", "keys"): self._change_key,
            ("DELETE", "keys"): self._revoke_key,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "streams"): self._harm_stream,
            ("POST", "replay"): self._replay,
            ("POST", "speed"): self._set_speed,
            ("POST", "rtt"): self._set_rtt,
            ("POST", "marks"): self._pin,
            ("POST", "halt"): self._halt,
        }

    def has_token(self, headers: Mapping[bytes, bytes]) -> bool:
        return hmac.compare_digest(headers.get(b"x-lab-token", b""), self._token.encode())

    def answer(self, request: Request) -> Answer:
        """Carry out one control call."""
        call = self._calls.get((request.method, request.path.removeprefix(PREFIX)))
        if not self.has_token(request.headers):
            return _error(401, "expected the lab's token in header X-Lab-Token, found none or another")
        if call is None:
            return _error(404, f"expected a control call, found {request.method} {request.path}")
        try:
            return Answer(200, orjson.dumps(call(_body_of(request)), _plain))
        except Refused as refused:
            return _error(refused.http_status, str(refused))

    def _health(self, _body: Body) -> Any:
        return {"status": "ok", "at_ms": int(self._lab.now_ms())}

    def _state(self, _body: Body) -> Any:
        lab = self._lab
        return {
            "at_ms": int(lab.now_ms()),
            "market_ms": int(lab.market_ms()),
            "speed": lab.market_clock.speed,
            "rtt_ms": lab.rtt_ms,
            "journal_seq": lab.journal.seq,
            "accounts": len(lab.engine.accounts()),
            "keys": len(lab.keys),
            "streams": sorted(lab.streams.listeners),
            "market_streams": sorted(lab.streams.topics),
            "faults": [{"id": f.id, "harm": f.harm, "path": f.path, "hits": f.hits} for f in lab.faults],
            "pins": dict(lab.pins),
            "prices": {symbol: lab.engine.ticker(symbol).last_px for symbol in lab.engine.instruments},
        }

    def _create_account(self, body: Body) -> Any:
        account, balances = _word(body, "account"), body.get("balances", {})
        if account.startswith("lab:"):
            raise InvalidInput(f"account: expected a name that does not begin with lab:, found {account!r}")
        if not isinstance(balances, dict):
            raise InvalidInput(f"balances: expected an object of asset to quantity, found {balances!r}")
        try:
            self._lab.create_account(account, {a: _decimal(balances, a) for a in balances})
        except ValueError as error:
            raise InvalidInput(f"account: {error}") from error
        return {"account": account, "balances": self._lab.engine.balances(account)}

    def _deposit(self, body: Body) -> Any:
        account = self._account(body)
        try:
            self._lab.deposit(account, _word(body, "asset"), _decimal(body, "qty"))
        except ValueError as error:
            raise InvalidInput(f"qty: {error}") from error
        return {"account": account, "balances": self._lab.engine.balances(account)}

    def _issue_key(self, body: Body) -> Any:
        rights, ips = _words(body, "permissions", [READ, TRADE]), _words(body, "ips", [])
        key = self._lab.keys.issue(self._account(body), rights, ips, int(self._lab.now_ms()))
        return {**_key_view(key), "secret": key.secret}

    def _change_key(self, body: Body) -> Any:
        api_key = _word(body, "apiKey")
        old = self._lab.keys.get(api_key)
        if old is None:
            raise NotFound("apiKey: expected a key that the lab issued, found an unknown one")
        rights = _words(body, "permissions", sorted(old.permissions))
        return _key_view(self._lab.keys.change(api_key, rights, _words(body, "ips", sorted(old.ips))))

    def _revoke_key(self, body: Body) -> Any:
        return {"revoked": self._lab.keys.revoke(_word(body, "apiKey"))}

    def _add_fault(self, body: Body) -> Any:
        return {"id": self._lab.faults.add(body).id}

    def _clear_faults(self, _body: Body) -> Any:
        """Drop all rules and let muted streams speak again."""
        self._lab.streams.muted.clear()
        return {"cleared": self._lab.faults.clear()}

    def _harm_stream(self, body: Body) -> Any:
        """Disconnect an account's user streams, or mute them (connected but silent)."""
        account, harm = self._account(body), _word(body, "harm")
        if harm == "disconnect":
            return {"disconnected": self._lab.streams.disconnect(account)}
        if harm == "mute":
            self._lab.streams.muted.add(account)
        elif harm == "unmute":
            self._lab.streams.muted.discard(account)
        else:
            raise InvalidInput(f"harm: expected disconnect, mute or unmute, found {harm!r}")
        return {"muted": sorted(self._lab.streams.muted)}

    def _replay(self, body: Body) -> Any:
        return {"replayed": self._lab.streams.replay(self._account(body), int(_number(body, "count", COUNT_MAX)))}

    def _set_speed(self, body: Body) -> Any:
        speed = _number(body, "speed", SPEED_MAX)
        self._lab.market_clock.change_speed(speed, self._lab.now_ms())
        return {"speed": speed}

    def _set_rtt(self, body: Body) -> Any:
        self._lab.rtt_ms = _number(body, "ms", RTT_MS_MAX)
        return {"ms": self._lab.rtt_ms}

    def _pin(self, body: Body) -> Any:
        """Hold a symbol's price, or let it follow the market again (px null); the book moves at once."""
        symbol = self._symbol(body)
        if body.get("px") is None:
            self._lab.pins.pop(symbol, None)
        else:
            px = _decimal(body, "px")
            if px <= 0:
                raise InvalidInput(f"px: expected a price above 0, found {px}")
            self._lab.pins[symbol] = px
        self._lab.tick()
        return {"pins": dict(self._lab.pins)}

    def _halt(self, body: Body) -> Any:
        halted = body.get("halted", True)
        if not isinstance(halted, bool):
            raise InvalidInput(f"halted: expected true or false, found {halted!r}")
        self._lab.engine.halt(self._symbol(body), halted)
        return {"halted": halted}

    def _account(self, body: Body) -> str:
        account = _word(body, "account")
        if not self._lab.engine.has_account(account):
            raise NotFound(f"account: expected one of the lab's accounts, found {account!r}")
        return account

    def _symbol(self, body: Body) -> str:
        symbol = _word(body, "symbol")
        if symbol not in self._lab.engine.instruments:
            raise InvalidInput(f"symbol: expected one of {sorted(self._lab.engine.instruments)}, found {symbol!r}")
        return symbol


def _body_of(request: Request) -> Body:
    if not request.body:
        return {}
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"body: expected JSON, found {error}") from error
    if not isinstance(body, dict):
        raise InvalidInput(f"body: expected a JSON object, found {type(body).__name__}")
    return body


def _word(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name}: expected a text, found {value!r}")
    return value


def _words(body: Body, name: str, default: list[str]) -> list[str]:
    value = body.get(name, default)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidInput(f"{name}: expected a list of texts, found {value!r}")
    return value


def _number(body: Body, name: str, most: int) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InvalidInput(f"{name}: expected a number from 0 to {most}, found {value!r}")
    return float(value)


def _decimal(body: Body, name: str) -> Decimal:
    value = body.get(name)
    try:
        number = Decimal(value if isinstance(value, str) else str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise InvalidInput(f"{name}: expected a decimal number, found {value!r}")
    return number


def _key_view(key: ApiKey) -> dict[str, Any]:
    rights = {"permissions": sorted(key.permissions), "ips": sorted(key.ips)}
    return {"apiKey": key.api_key, "account": key.account, **rights}


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a control answer cannot hold {type(value).__name__}")


def _error(status: int, message: str) -> Answer:
    return Answer(status, orjson.dumps({"error": message}))
