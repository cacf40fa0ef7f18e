"""Classic accounts: balances of both wallets, positions, leverage and modes, transfers, fees, and the key's rights.

Source: the reference's "Spot / Account", "Future / Account" and "Future / Position". The codes of `authorities` are
not listed there: coor, coow, stor and stow (contract orders and spot trade, read and write) are what clients in
production look for; cpor, cpow (positions), smow (margin), wtow (transfer) and wwow (withdraw) follow their pattern
from memory. A right that no list names is told as `zzow`.
"""

from __future__ import annotations

from decimal import Decimal

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.classic_market import contract_of, product_of
from copydesk.venues.lab.dialects.bitget.classic_mix import margin_coin_of
from copydesk.venues.lab.dialects.bitget.errors import MIX_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import Json, figures
from copydesk.venues.lab.dialects.bitget.params import Call, amount_of, decimal_of, required, text_of, word_of
from copydesk.venues.lab.dialects.bitget.routes import (
    ORDER_READ,
    ORDER_WRITE,
    POSITION_WRITE,
    SPOT_READ,
    TRANSFER_WRITE,
    Right,
    Routes,
    private,
)
from copydesk.venues.lab.dialects.bitget.words import (
    HEDGE_MODE,
    MARGIN_COIN,
    MARGIN_MODES,
    MARGIN_WORDS,
    ONE_WAY_MODE,
    USDT_FUTURES,
    number,
)
from copydesk.venues.lab.exchange import FUNDING, FUTURES, TRADING, Exchange
from copydesk.venues.lab.keys import MARGIN, OTHER, PERP, READ, TRADE, TRANSFER, WITHDRAW
from copydesk.venues.lab.model import CROSS, LONG, NET, SHORT, SPOT, Reject
from copydesk.venues.lab.perp import Change

_READS = ("coor", "cpor", "stor")
_WRITES = {
    PERP: ("coow", "cpow"),
    TRADE: ("stow",),
    MARGIN: ("smow",),
    TRANSFER: ("wtow",),
    WITHDRAW: ("wwow",),
    OTHER: ("zzow",),
}
WALLETS = {"spot": TRADING, "p2p": FUNDING, "usdt_futures": FUTURES}
POS_MODES = frozenset({ONE_WAY_MODE, HEDGE_MODE})
_HOLD_SIDES = frozenset({LONG, SHORT})
_UNCHANGED = frozenset({Reject.LEVERAGE_UNCHANGED, Reject.MARGIN_MODE_UNCHANGED, Reject.POSITION_MODE_UNCHANGED})
ANY_KEY = Right("read only", frozenset({TRADE, PERP, TRANSFER, MARGIN, WITHDRAW}), change=False)
_CENT = Decimal("1E-8")


def _info(call: Call) -> bytes:
    key = call.key
    assert key is not None
    reads = _READS if READ in key.permissions else ()
    writes = [code for right, codes in _WRITES.items() if right in key.permissions for code in codes]
    return orjson.dumps(
        {
            "userId": trading.user_id(key.account),
            "inviterId": "",
            "ips": ",".join(sorted(key.ips)),
            "authorities": [*reads, *writes],
            "parentId": int(trading.user_id(key.account)),
            "traderType": "not_trader",
            "channelCode": "",
            "channel": "",
            "regisTime": str(key.created_ms),
        }
    )


def asset_view(coin: str, free: Decimal, locked: Decimal, now_ms: int) -> Json:
    return {
        "coin": coin,
        "available": number(free),
        "limitAvailable": "0",
        "frozen": number(locked),
        "locked": "0",
        "uTime": str(now_ms),
    }


def _assets(call: Call) -> bytes:
    """Answer the coins held; with `assetType=all` the empty ones too."""
    coin, everything = text_of(call.params, "coin").upper(), text_of(call.params, "assetType") == "all"
    held = call.exchange.spot.balances(call.account)
    if everything:
        listed = (coin for i in call.exchange.spot.instruments.values() for coin in (i.base, i.quote))
        held = {**dict.fromkeys(listed, (ZERO, ZERO)), **held}
    rows = [
        asset_view(name, free, locked, call.now_ms)
        for name, (free, locked) in held.items()
        if name == coin or (not coin and (everything or free or locked))
    ]
    return orjson.dumps(rows)


def _transfer(call: Call) -> bytes:
    """Move money between the account's own wallets."""
    params, exchange = call.params, call.exchange
    source, target = (WALLETS.get(required(params, name).lower()) for name in ("fromType", "toType"))
    coin, amount = required(params, "coin").upper(), amount_of(params, "amount")
    if source is None or target is None or source == target:
        raise errors.invalid("fromType" if source is None else "toType")
    if FUTURES in (source, target) and coin != MARGIN_COIN:
        raise errors.ApiError("43129", "Transfer coin not support or invalid coin")
    if exchange.transfer(call.account, coin, amount, source, target) is not None:
        raise errors.ApiError("43117", "Exceeds the maximum amount that can be transferred")
    transfer_id = exchange.world.journal.seq
    return orjson.dumps({"transferId": str(transfer_id), "clientOid": text_of(params, "clientOid") or str(transfer_id)})


def _funding_assets(call: Call) -> bytes:
    wallet = call.exchange.funding[call.account].balances
    rows = [
        {"coin": coin, "available": number(b.free), "frozen": "0", "usdtValue": number(_usdt(call, coin, b.free))}
        for coin, b in wallet.items()
        if b.free
    ]
    return orjson.dumps(rows)


def _usdt(call: Call, coin: str, qty: Decimal) -> Decimal:
    if coin == MARGIN_COIN:
        return qty
    instrument = call.exchange.spot.instruments.get(f"{coin}{MARGIN_COIN}")
    return ZERO if instrument is None else (qty * figures(call.exchange, SPOT, instrument).last).quantize(_CENT)


def _trade_rate(call: Call) -> bytes:
    listing, business = call.exchange.listing, required(call.params, "businessType")
    if business == "mix":
        maker, taker = listing.perp_maker_fee, listing.perp_taker_fee
    else:
        maker = taker = listing.spot_fee
    return orjson.dumps({"makerFeeRate": number(maker), "takerFeeRate": number(taker)})


def wallet_view(exchange: Exchange, account: str) -> Json:
    """Write the futures wallet; money is in USDT."""
    m = exchange.perp.margin(account)
    bitcoin = exchange.perp.instruments["BTCUSDT"]
    held = exchange.perp.positions(account)
    crossed = sum((view.initial_margin for view in held if view.margin_mode == CROSS), ZERO)
    isolated = sum((view.isolated_margin for view in held), ZERO)
    ratio = (m.maint_margin / m.equity).quantize(_CENT) if m.equity > ZERO else ZERO
    return {
        "marginCoin": MARGIN_COIN,
        "locked": number(m.order_margin),
        "available": number(m.available),
        "crossedMaxAvailable": number(max(ZERO, m.available)),
        "isolatedMaxAvailable": number(max(ZERO, m.available)),
        "maxTransferOut": number(m.withdrawable),
        "accountEquity": number(m.equity),
        "usdtEquity": number(m.equity),
        "btcEquity": number((m.equity / exchange.world.index(bitcoin)).quantize(Decimal("1E-12"))),
        "crossedRiskRate": number(ratio),
        "unrealizedPL": number(m.unrealized),
        "coupon": "0",
        "grant": "0",
        "unionTotalMargin": "0",
        "unionAvailable": "0",
        "unionMm": "0",
        "isolatedMargin": number(isolated),
        "crossedMargin": number(crossed),
        "crossedUnrealizedPL": number(m.unrealized),
        "isolatedUnrealizedPL": "",
        "assetMode": "single",
    }


def _accounts(call: Call) -> bytes:
    if product_of(call) != USDT_FUTURES:
        return b"[]"
    return orjson.dumps([{**wallet_view(call.exchange, call.account), "assetList": []}])


def pos_mode(call: Call) -> str:
    return HEDGE_MODE if call.exchange.perp.hedge(call.account) else ONE_WAY_MODE


def _account(call: Call) -> bytes:
    instrument = contract_of(call)
    margin_coin_of(call.params)
    levers, mode = _levers(call, instrument.venue_symbol)
    return orjson.dumps(
        {
            **wallet_view(call.exchange, call.account),
            "crossedMarginLeverage": levers[NET],
            "isolatedLongLever": levers[LONG],
            "isolatedShortLever": levers[SHORT],
            "marginMode": mode,
            "posMode": pos_mode(call),
        }
    )


def _levers(call: Call, symbol: str) -> tuple[dict[str, int], str]:
    """Return the leverage of both modes' positions, and the margin mode in Bitget's word."""
    perp = call.exchange.perp
    levers = {side: perp.settings(call.account, symbol, side).leverage for side in (NET, LONG, SHORT)}
    return levers, MARGIN_WORDS[perp.settings(call.account, symbol).margin_mode]


def _set_leverage(call: Call) -> bytes:
    """Set the leverage of a contract; one for a side only counts in isolated hedge mode."""
    params, symbol = call.params, contract_of(call).venue_symbol
    margin_coin_of(params)
    hold_side = text_of(params, "holdSide").lower()
    if hold_side and hold_side not in _HOLD_SIDES:
        raise errors.invalid("holdSide")
    asked = {hold_side or NET: text_of(params, "leverage")}
    asked |= {side: text_of(params, f"{side}Leverage") for side in (LONG, SHORT) if text_of(params, f"{side}Leverage")}
    for side, text in asked.items():
        if text:
            _change_leverage(call, symbol, text, side)
    if not any(asked.values()):
        raise errors.empty("leverage")
    levers, mode = _levers(call, symbol)
    return orjson.dumps(
        {
            "symbol": symbol,
            "marginCoin": MARGIN_COIN,
            "longLeverage": str(levers[LONG]),
            "shortLeverage": str(levers[SHORT]),
            "crossMarginLeverage": str(levers[NET]),
            "marginMode": mode,
        }
    )


def _change_leverage(call: Call, symbol: str, text: str, side: str) -> None:
    value = decimal_of({"leverage": text}, "leverage")
    if value is None or value != value.to_integral_value() or value < 1:
        raise errors.invalid("leverage")
    change = call.exchange.perp.set_leverage(call.account, symbol, int(value), call.now_ms, position_side=side)
    settle(call, change)


def settle(call: Call, change: Change, texts: errors.Texts = MIX_TEXTS) -> None:
    """Publish a change of settings; setting what is set already is no error here."""
    if change.reject is not None and change.reject not in _UNCHANGED:
        raise errors.refused(texts, change.reject)
    call.exchange.publish(change.events, call.now_ms)


def _set_margin_mode(call: Call) -> bytes:
    params, symbol = call.params, contract_of(call).venue_symbol
    margin_coin_of(params)
    mode = MARGIN_MODES[word_of(params, "marginMode", frozenset(MARGIN_MODES))]
    change = call.exchange.perp.set_margin_mode(call.account, symbol, mode, call.now_ms)
    settle(call, change)
    leverage = str(call.exchange.perp.settings(call.account, symbol).leverage)
    return orjson.dumps(
        {
            "symbol": symbol,
            "marginCoin": MARGIN_COIN,
            "longLeverage": leverage,
            "shortLeverage": leverage,
            "marginMode": MARGIN_WORDS[mode],
        }
    )


def _set_position_mode(call: Call) -> bytes:
    product_of(call)
    mode = word_of(call.params, "posMode", POS_MODES)
    change = call.exchange.perp.set_position_mode(call.account, mode == HEDGE_MODE, call.now_ms)
    settle(call, change)
    return orjson.dumps({"posMode": mode})


def _set_margin(call: Call) -> bytes:
    """Add margin to an isolated position, or take some off it (negative amount)."""
    params, symbol = call.params, contract_of(call).venue_symbol
    amount, side = decimal_of(params, "amount"), text_of(params, "holdSide").lower()
    if not amount:
        raise errors.empty("amount")
    if call.exchange.perp.settings(call.account, symbol).margin_mode != MARGIN_MODES["isolated"]:
        raise errors.ApiError("40875", "Whole position mode does not support margin adjustment")
    position_side = side if call.exchange.perp.hedge(call.account) else NET
    change = call.exchange.perp.move_margin(call.account, symbol, position_side, amount, call.now_ms)
    if change.reject in (Reject.INSUFFICIENT_BALANCE, Reject.INSUFFICIENT_MARGIN):
        raise errors.ApiError("40800", "Insufficient amount of margin")
    settle(call, change)
    return b'""'


MIX_ACCOUNT = "/api/v2/mix/account/"
ROUTES: Routes = {
    ("GET", "/api/v2/spot/account/info"): private(_info, ANY_KEY, 1),
    ("GET", "/api/v2/spot/account/assets"): private(_assets, SPOT_READ),
    ("GET", "/api/v2/account/funding-assets"): private(_funding_assets, SPOT_READ),
    ("POST", "/api/v2/spot/wallet/transfer"): private(_transfer, TRANSFER_WRITE),
    ("GET", "/api/v2/common/trade-rate"): private(_trade_rate, ANY_KEY),
    ("GET", MIX_ACCOUNT + "accounts"): private(_accounts, ORDER_READ),
    ("GET", MIX_ACCOUNT + "account"): private(_account, ORDER_READ),
    ("POST", MIX_ACCOUNT + "set-leverage"): private(_set_leverage, ORDER_WRITE, 5),
    ("POST", MIX_ACCOUNT + "set-margin-mode"): private(_set_margin_mode, ORDER_WRITE, 5),
    ("POST", MIX_ACCOUNT + "set-position-mode"): private(_set_position_mode, ORDER_WRITE, 5),
    ("POST", MIX_ACCOUNT + "set-margin"): private(_set_margin, POSITION_WRITE, 5),
}
