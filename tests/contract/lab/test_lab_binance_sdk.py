"""Binance's own SDK against the lab: its models are strict, so that every answer must have the right types."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_lab import BinanceLab, Keys
from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot import Spot

# The SDK passes aiohttp a time-out in the old form.
pytestmark = pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float' is deprecated:DeprecationWarning")


def config(lab: BinanceLab, keys: Keys) -> ConfigurationRestAPI:
    return ConfigurationRestAPI(api_key=keys.api_key, api_secret=keys.secret, base_path=lab.rest, retries=1)


def futures(lab: BinanceLab, keys: Keys) -> DerivativesTradingUsdsFutures:
    ws_api = ConfigurationWebSocketAPI(keys.api_key, keys.secret, stream_url=f"{lab.ws}/ws-fapi/v1")
    streams = ConfigurationWebSocketStreams(stream_url=f"{lab.ws}/fstream/stream")
    return DerivativesTradingUsdsFutures(config(lab, keys), ws_api, streams)


@pytest.fixture(scope="module")
def keys(binance_lab: BinanceLab) -> Keys:
    return binance_lab.open_account()


@pytest.fixture(scope="module")
def rest(binance_lab: BinanceLab, keys: Keys) -> Any:
    return futures(binance_lab, keys).rest_api


def test_orders_and_positions_have_the_types_of_the_models(rest: Any) -> None:
    placed = rest.new_order("BTCUSDT", "BUY", "MARKET", quantity=0.01, new_order_resp_type="RESULT").data()
    assert (placed.status, placed.executed_qty, placed.orig_type) == ("FILLED", "0.010", "MARKET")
    assert rest.query_order("BTCUSDT", order_id=placed.order_id).data().avg_price.startswith("100005")
    resting = rest.new_order("BTCUSDT", "BUY", "LIMIT", quantity=0.01, price=90_000, time_in_force="GTC").data()
    assert (resting.status, resting.executed_qty) == ("NEW", "0.000")
    amended = rest.modify_order("BTCUSDT", "BUY", 0.02, price=91_000, order_id=resting.order_id).data()
    assert (amended.orig_qty, amended.price) == ("0.020", "91000.00")
    assert rest.cancel_order("BTCUSDT", order_id=resting.order_id).data().status == "CANCELED"
    position = rest.position_information_v3().data()[0]
    assert (position.position_amt, position.position_side, position.margin_asset) == ("0.010", "BOTH", "USDT")
    assert [row.symbol for row in rest.position_information_v2(symbol="BTCUSDT").data()] == ["BTCUSDT"]
    assert rest.account_trade_list("BTCUSDT").data()[0].realized_pnl == "0.00000000"


def test_conditional_orders_have_the_types_of_the_models(rest: Any) -> None:
    asked = {"working_type": "MARK_PRICE", "close_position": "true", "client_algo_id": "sdk-stop"}
    placed = rest.new_algo_order("CONDITIONAL", "BTCUSDT", "SELL", "STOP_MARKET", trigger_price=90_000, **asked).data()
    assert (placed.algo_status, placed.close_position, placed.trigger_price) == ("NEW", True, "90000.00")
    found = rest.query_algo_order(client_algo_id="sdk-stop").data()
    assert (found.algo_id, found.actual_order_id) == (placed.algo_id, "")
    assert [one.algo_id for one in rest.current_all_algo_open_orders(symbol="BTCUSDT").data()] == [placed.algo_id]
    assert rest.cancel_algo_order(algo_id=placed.algo_id).data().code == "200"
    assert rest.query_all_algo_orders("BTCUSDT").data()[-1].algo_status == "CANCELED"


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("account_information_v2", ()),
        ("account_information_v3", ()),
        ("futures_account_balance_v2", ()),
        ("futures_account_balance_v3", ()),
        ("futures_account_configuration", ()),
        ("symbol_configuration", ()),
        ("notional_and_leverage_brackets", ()),
        ("user_commission_rate", ("BTCUSDT",)),
        ("get_current_position_mode", ()),
        ("get_current_multi_assets_mode", ()),
        ("get_income_history", ()),
        ("query_user_rate_limit", ()),
        ("exchange_information", ()),
        ("order_book", ("BTCUSDT",)),
        ("recent_trades_list", ("BTCUSDT",)),
        ("compressed_aggregate_trades_list", ("BTCUSDT",)),
        ("kline_candlestick_data", ("BTCUSDT", "1m")),
        ("mark_price", ()),
        ("get_funding_rate_history", ()),
        ("get_funding_rate_info", ()),
        ("ticker24hr_price_change_statistics", ()),
        ("symbol_price_ticker", ()),
        ("symbol_order_book_ticker", ()),
        ("open_interest", ("BTCUSDT",)),
        ("all_orders", ("BTCUSDT",)),
        ("current_all_open_orders", ()),
        ("position_adl_quantile_estimation", ()),
        ("auto_cancel_all_open_orders", ("BTCUSDT", 0)),
        ("cancel_all_open_orders", ("BTCUSDT",)),
        ("change_initial_leverage", ("ETHUSDT", 5)),
        ("change_margin_type", ("ETHUSDT", "ISOLATED")),
    ],
)
def test_every_other_answer_fits_its_model(rest: Any, name: str, args: tuple[Any, ...]) -> None:
    assert getattr(rest, name)(*args).data() is not None


def test_the_limits_are_read_from_the_headers(rest: Any) -> None:
    answer = rest.new_order("BTCUSDT", "BUY", "LIMIT", quantity=0.01, price=90_000, time_in_force="GTC")
    told = {(limit.rateLimitType, limit.interval, limit.intervalNum) for limit in answer.rate_limits}
    assert told == {("REQUEST_WEIGHT", "MINUTE", 1), ("ORDERS", "SECOND", 10), ("ORDERS", "MINUTE", 1)}


def test_refusals_are_raised_in_the_words_of_the_exchange(binance_lab: BinanceLab, rest: Any) -> None:
    with pytest.raises(BadRequestError, match="Order's notional must be no smaller than 5"):
        rest.new_order("XRPUSDT", "BUY", "LIMIT", quantity=0.1, price=1, time_in_force="GTC")
    stranger = futures(binance_lab, Keys("", "A" * 64, "x")).rest_api
    with pytest.raises(UnauthorizedError, match=r"request ip: 203\.0\.113\.7"):
        stranger.account_information_v3()


def test_the_spot_sdk_trades_too(binance_lab: BinanceLab, keys: Keys) -> None:
    spot = Spot(config_rest_api=config(binance_lab, keys)).rest_api
    placed = spot.new_order(
        "BTCUSDT", "SELL", "STOP_LOSS_LIMIT", time_in_force="GTC", quantity=0.01, price=90_000, stop_price=91_000
    )
    order_id = placed.data().order_id
    assert spot.get_order("BTCUSDT", order_id=order_id).data().is_working is False
    assert spot.delete_order("BTCUSDT", order_id=order_id).data().status == "CANCELED"
    assert {row.asset for row in spot.get_account().data().balances} >= {"BTC", "USDT"}
    assert spot.exchange_info(symbol="BTCUSDT").data().symbols[0].allow_trailing_stop is True


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20):
            await body()

    asyncio.run(whole())


def test_streams_and_user_data_fit_their_models(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    client = futures(binance_lab, keys)
    listen_key = client.rest_api.start_user_data_stream().data().listen_key

    async def body() -> None:
        connection = await client.websocket_streams.create_connection()
        seen: asyncio.Queue[Any] = asyncio.Queue()
        marks: asyncio.Queue[Any] = asyncio.Queue()
        try:
            user = await connection.user_data(listen_key)
            user.on("message", seen.put_nowait)
            mark = await connection.mark_price_stream(symbol="btcusdt", update_speed="1s")
            mark.on("message", marks.put_nowait)
            assert (await marks.get()).p == "100000.00000000"
            await asyncio.to_thread(client.rest_api.new_order, "BTCUSDT", "BUY", "MARKET", quantity=0.01)
            events = [(await seen.get()).actual_instance for _ in range(4)]
            assert [type(event).__name__ for event in events] == [
                "OrderTradeUpdate",
                "TradeLite",
                "OrderTradeUpdate",
                "AccountUpdate",
            ]
            assert (events[2].o.X, events[3].a.P[0].pa, events[3].a.m) == ("FILLED", "0.010", "ORDER")
        finally:
            await connection.close_connection(close_session=True)

    run(body)


def test_the_websocket_api_trades(binance_lab: BinanceLab) -> None:
    client = futures(binance_lab, binance_lab.open_account())

    async def body() -> None:
        connection = await client.websocket_api.create_connection()
        try:
            placed = await connection.new_order(
                "BTCUSDT", "BUY", "LIMIT", quantity=0.01, price=90_000, time_in_force="GTC"
            )
            order_id = placed.data().result.order_id
            changed = await connection.modify_order("BTCUSDT", "BUY", 0.02, 91_000, order_id=order_id)
            assert changed.data().result.orig_qty == "0.020"
            assert (await connection.query_order("BTCUSDT", order_id=order_id)).data().result.status == "NEW"
            assert (await connection.cancel_order("BTCUSDT", order_id=order_id)).data().result.status == "CANCELED"
            assert (await connection.account_information_v2()).data().result.available_balance == "10000.00000000"
            assert (await connection.position_information_v2()).data().result == []
        finally:
            await connection.close_connection(close_session=True)

    run(body)
