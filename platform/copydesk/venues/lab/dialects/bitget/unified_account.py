"""The unified account itself: settings, money, positions, leverage, hold mode, transfers, and the key's rights.

Source: the reference's "UTA / Account" and "UTA / Position". `permType` is written with underscores, as answers in
production are. The documented permissions are uta_mgt, uta_trade, withdraw and two of copy trading; a right to move
money between accounts is told as `transfer`, and one that no list names as `uta_zz`.
"""

from __future__ import annotations

from decimal import Decimal

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.classic_account import ANY_KEY, POS_MODES, settle
from copydesk.venues.lab.dialects.bitget.errors import UNIFIED_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import Json, figures
from copydesk.venues.lab.dialects.bitget.params import Call, amount_of, required, text_of, word_of
from copydesk.venues.lab.dialects.bitget.routes import (
    MANAGE_READ,
    MANAGE_WRITE,
    TRANSFER_WRITE,
    UNIFIED_READ,
    Routes,
    private,
)
from copydesk.venues.lab.dialects.bitget.unified_trade import POS_SIDES, market_of, symbol_of
from copydesk.venues.lab.dialects.bitget.words import (
    HEDGE_MODE,
    MARGIN_COIN,
    MARGIN_WORDS,
    ONE_WAY_MODE,
    USDT_FUTURES,
    number,
)
from copydesk.venues.lab.exchange import FUNDING, TRADING, Exchange
from copydesk.venues.lab.keys import OTHER, PERP, READ, TRADE, TRANSFER, WITHDRAW
from copydesk.venues.lab.model import NET, SPOT, PositionView
from copydesk.venues.lab.model import PERP as FUTURES

_WALLETS = {"uta": TRADING, "spot": FUNDING, "p2p": FUNDING}
_EXTRAS = ((WITHDRAW, "withdraw"), (TRANSFER, "transfer"), (OTHER, "uta_zz"))
_CENT = Decimal("1E-8")


def hold_mode(call: Call) -> str:
    return HEDGE_MODE if call.exchange.perp.hedge(call.account) else ONE_WAY_MODE


def _settings(call: Call) -> bytes:
    perp = call.exchange.perp
    symbols = []
    for symbol in perp.instruments:
        leverage, mode = perp.settings(call.account, symbol)
        symbols.append(
            {
                "category": USDT_FUTURES,
                "symbol": symbol,
                "marginMode": MARGIN_WORDS[mode],
                "leverage": str(leverage),
            }
        )
    return orjson.dumps(
        {
            "uid": trading.user_id(call.account),
            "accountMode": "unified",
            "assetMode": "multi_assets",
            "accountLevel": "advanced",
            "holdMode": hold_mode(call),
            "stpMode": "none",
            "symbolConfigList": symbols,
            "coinConfigList": [],
        }
    )


def _info(call: Call) -> bytes:
    key = call.key
    assert key is not None
    held = key.permissions
    trades = bool(held & {TRADE, PERP})
    scopes = ["uta_mgt", "uta_trade"] if trades or READ in held else []
    return orjson.dumps(
        {
            "userId": trading.user_id(key.account),
            "inviterId": None,
            "parentId": None,
            "channelCode": "",
            "channel": "",
            "ips": ",".join(sorted(key.ips)) or None,
            "permType": "read_and_write" if trades else "read_only",
            "permissions": [*scopes, *(word for right, word in _EXTRAS if right in held)],
            "regisTime": str(key.created_ms),
        }
    )


def coin_rows(exchange: Exchange, account: str) -> list[Json]:
    """Write the coins held; unrealized profit of perpetuals belongs to the margin coin."""
    purse, margin = exchange.spot.account_table[account], exchange.perp.margin(account)
    rows = []
    for coin, balance in purse.balances.items():
        total = balance.free + balance.locked
        if not total:
            continue
        equity = total + margin.unrealized if coin == MARGIN_COIN else total
        free = purse.available(coin) if coin == MARGIN_COIN else balance.free
        rows.append(
            {
                "coin": coin,
                "equity": number(equity),
                "usdValue": number((equity * _px(exchange, coin)).quantize(_CENT)),
                "balance": number(total),
                "available": number(max(ZERO, free)),
                "debt": "0",
                "bonus": "0",
                "locked": number(balance.locked),
            }
        )
    return rows


def _px(exchange: Exchange, coin: str) -> Decimal:
    """Return what a coin is worth in USDT."""
    instrument = exchange.spot.instruments.get(f"{coin}{MARGIN_COIN}")
    if instrument is None:
        return Decimal(1) if coin == MARGIN_COIN else ZERO
    return figures(exchange, SPOT, instrument).last


def _assets(call: Call) -> bytes:
    rows, margin = coin_rows(call.exchange, call.account), call.exchange.perp.margin(call.account)
    worth, bitcoin = sum((Decimal(row["usdValue"]) for row in rows), ZERO), _px(call.exchange, "BTC")
    ratio = (margin.maint_margin / worth).quantize(_CENT) if worth > ZERO else ZERO
    notional = sum((abs(view.notional) for view in call.exchange.perp.positions(call.account)), ZERO)
    return orjson.dumps(
        {
            "accountEquity": number(worth),
            "usdtEquity": number(worth),
            "btcEquity": number((worth / bitcoin).quantize(_CENT)),
            "unrealisedPnl": number(margin.unrealized),
            "usdtUnrealisedPnl": number(margin.unrealized),
            "btcUnrealizedPnl": number((margin.unrealized / bitcoin).quantize(_CENT)),
            "effEquity": number(worth),
            "mmr": number(margin.maint_margin),
            "imr": number(margin.initial_margin + margin.order_margin),
            "mgnRatio": number(ratio),
            "positionMgnRatio": number(ratio),
            "positionValue": number(notional),
            "leverage": number((notional / worth).quantize(_CENT)) if worth > ZERO else "0",
            "assets": rows,
        }
    )


def _funding_assets(call: Call) -> bytes:
    wanted = text_of(call.params, "coin").upper()
    rows = [
        {"coin": coin, "available": number(b.free), "frozen": "0", "balance": number(b.free)}
        for coin, b in call.exchange.funding[call.account].balances.items()
        if b.free and wanted in ("", coin)
    ]
    return orjson.dumps(rows)


def _fee_rate(call: Call) -> bytes:
    listing, market = call.exchange.listing, market_of(call.params)
    maker, taker = listing.spot_fee, listing.spot_fee
    if market == FUTURES:
        maker, taker = listing.perp_maker_fee, listing.perp_taker_fee
    return orjson.dumps({"makerFeeRate": number(maker), "takerFeeRate": number(taker)})


def _set_leverage(call: Call) -> bytes:
    params = call.params
    if market_of(params) != FUTURES:
        raise errors.ApiError("25240", "SPOT does not support this operation")
    symbol, leverage = symbol_of(call, params, FUTURES), amount_of(params, "leverage")
    if leverage != leverage.to_integral_value():
        raise errors.ApiError("25200", "leverage validation error")
    side = text_of(params, "posSide").lower()
    if side and side not in POS_SIDES:
        raise errors.ApiError("25200", "posSide validation error")
    change = call.exchange.perp.set_leverage(
        call.account, symbol, int(leverage), call.now_ms, position_side=side or NET
    )
    settle(call, change, UNIFIED_TEXTS)
    return b'"success"'


def _set_hold_mode(call: Call) -> bytes:
    mode = word_of(call.params, "holdMode", POS_MODES)
    settle(call, call.exchange.perp.set_position_mode(call.account, mode == HEDGE_MODE, call.now_ms), UNIFIED_TEXTS)
    return b'"success"'


def _transfer(call: Call) -> bytes:
    """Move money between the unified account and what lies outside it (the old spot account, P2P)."""
    params, exchange = call.params, call.exchange
    source, target = (_WALLETS.get(required(params, name).lower()) for name in ("fromType", "toType"))
    if source is None or target is None or source == target:
        raise errors.invalid("fromType" if source is None else "toType")
    amount, coin = amount_of(params, "amount"), required(params, "coin").upper()
    if exchange.transfer(call.account, coin, amount, source, target) is not None:
        raise errors.ApiError("43117", "Exceeded Max. transferable quantity")
    return orjson.dumps({"transferId": str(exchange.world.journal.seq)})


def position_view(exchange: Exchange, view: PositionView) -> Json:
    """Write a position, also one that is over."""
    held, instrument = abs(view.qty), exchange.perp.instruments[view.symbol]
    margin = view.isolated_margin or view.initial_margin
    mmr = next((b.maint_ratio for b in instrument.brackets if view.notional <= b.notional_cap), ZERO)
    closing = trading.closable(
        exchange, view.account, view.symbol, view.position_side, "sell" if view.qty > ZERO else "buy"
    )
    return {
        "category": USDT_FUTURES,
        "symbol": view.symbol,
        "marginCoin": MARGIN_COIN,
        "holdMode": ONE_WAY_MODE if view.position_side == NET else HEDGE_MODE,
        "posSide": trading.hold_side(view),
        "marginMode": MARGIN_WORDS[view.margin_mode],
        "positionBalance": number(margin),
        "available": number(closing),
        "frozen": number(held - closing),
        "total": number(held),
        "leverage": str(view.leverage),
        "curRealisedPnl": number(view.realized),
        "avgPrice": number(view.entry_px),
        "positionStatus": "normal",
        "unrealisedPnl": number(view.unrealized),
        "liquidationPrice": number(view.liquidation_px),
        "mmr": number(mmr),
        "profitRate": number((view.unrealized / margin).quantize(_CENT)) if margin else "0",
        "markPrice": number(view.mark_px),
        "breakEvenPrice": number(view.entry_px),
        "totalFunding": "0",
        "openFeeTotal": "0",
        "closeFeeTotal": "0",
        "createdTime": str(view.created_ms),
        "updatedTime": str(view.updated_ms),
    }


def _positions(call: Call) -> bytes:
    params = call.params
    if market_of(params) != FUTURES:
        return b'{"list":[]}'
    symbol = symbol_of(call, params, FUTURES) if text_of(params, "symbol") else None
    wanted = text_of(params, "posSide").lower()
    views = call.exchange.perp.positions(call.account, symbol)
    rows = [position_view(call.exchange, view) for view in views if wanted in ("", trading.hold_side(view))]
    return orjson.dumps({"list": rows})


ACCOUNT_PATH = "/api/v3/account/"
ROUTES: Routes = {
    ("GET", ACCOUNT_PATH + "settings"): private(_settings, MANAGE_READ, 20),
    ("GET", ACCOUNT_PATH + "info"): private(_info, ANY_KEY, 5),
    ("GET", ACCOUNT_PATH + "assets"): private(_assets, MANAGE_READ, 20),
    ("GET", ACCOUNT_PATH + "funding-assets"): private(_funding_assets, MANAGE_READ, 20),
    ("GET", ACCOUNT_PATH + "fee-rate"): private(_fee_rate, MANAGE_READ, 3),
    ("POST", ACCOUNT_PATH + "set-leverage"): private(_set_leverage, MANAGE_WRITE),
    ("POST", ACCOUNT_PATH + "set-hold-mode"): private(_set_hold_mode, MANAGE_WRITE),
    ("POST", ACCOUNT_PATH + "transfer"): private(_transfer, TRANSFER_WRITE, 5),
    ("GET", "/api/v3/position/current-position"): private(_positions, UNIFIED_READ, 20),
}
