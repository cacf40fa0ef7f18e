"""What every order passes before it is signed: closes always, opens within the brand's rules."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from copydesk.bootstrap.signing import SigningDesk
from copydesk.kernel import ConfigError, Setting, SystemClock, VenueRefused
from copydesk.marks import FreshPrice
from copydesk.replication.outcomes import settlement_of
from copydesk.tenancy import TenantStatus
from copydesk.trading import Credentials, Denial, OrderRequest, OrderStatus, OrderType, PositionSide, Side
from copydesk.venues import NO_ORDER, Amendment, Outcome, PoolLimits, Signer, SigningRules, VenueUrls
from copydesk.venues.binance.adapter import Binance
from raw_exchange import ok, raw_exchange
from sqlalchemy.exc import OperationalError
from venue_symbols import known_symbols

D = Decimal
NOW = 1_000.0
BTC, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
RULES = SigningRules(frozenset({BTC, PERPETUAL}), notional_max=D(10_000), orders_max=3, band_ratio=D("0.2"))
KEY = Credentials(7, "key", "secret", tenant_id=1)


@pytest.fixture
def signer() -> Signer:
    signer = Signer()
    signer.learn(1, RULES)
    signer.saw(BTC, D(100), NOW)
    signer.saw(PERPETUAL, D(100), NOW)
    return signer


def order(
    symbol: str = BTC, side: Side = Side.BUY, qty: str = "1", px: str | None = "100", **more: object
) -> OrderRequest:
    kind = OrderType.LIMIT if px else OrderType.MARKET
    return OrderRequest("cd-1", symbol, side, kind, D(qty), D(px) if px else None)._replace(**more)


def denial(signer: Signer, request: OrderRequest, *, key: Credentials = KEY, now: float = NOW) -> str:
    refusal = signer.refusal(key, request, now)
    return refusal.code if refusal else ""


def test_an_order_within_the_rules_is_signed(signer: Signer) -> None:
    assert denial(signer, order()) == ""
    assert denial(signer, order(qty="100")) == ""
    assert denial(signer, order(px="120")) == ""
    assert denial(signer, order(PERPETUAL, Side.SELL, px="80")) == ""


@pytest.mark.parametrize(
    ("request_", "no"),
    [
        (order("ETH/USDT"), Denial.MARKET_NOT_ALLOWED),
        (order(qty="100.01"), Denial.SIGNER_NOTIONAL_MAX),
        (order(qty="101", px=None), Denial.SIGNER_NOTIONAL_MAX),
        (order(px="120.01"), Denial.SIGNER_PRICE_BAND),
        (order(PERPETUAL, Side.SELL, px="79.99"), Denial.SIGNER_PRICE_BAND),
        (order(qty="101", px="100", trigger_px=D(100)), Denial.SIGNER_NOTIONAL_MAX),
        (order(px="121", trigger_px=D(100)), Denial.SIGNER_PRICE_BAND),
    ],
)
def test_an_order_outside_the_rules_is_refused_by_name(signer: Signer, request_: OrderRequest, no: Denial) -> None:
    assert denial(signer, request_) == no


def test_a_better_price_than_the_markets_is_nobodys_harm(signer: Signer) -> None:
    assert denial(signer, order(px="1")) == ""
    assert denial(signer, order(PERPETUAL, Side.SELL, qty="1", px="9000")) == ""


def test_what_waits_for_a_far_price_is_measured_by_that_one(signer: Signer) -> None:
    assert denial(signer, order(px="505", trigger_px=D(500))) == ""


def test_a_close_is_never_blocked(signer: Signer) -> None:
    huge = {"qty": "1000000", "px": "0.01", "reduces": True}
    for symbol in (BTC, PERPETUAL, "GONE/USDT"):
        for _ in range(10):
            closing = order(symbol, Side.SELL, **huge)  # type: ignore[arg-type]
            assert denial(signer, closing) == ""
            signer.signed(KEY, closing, NOW)
    assert denial(signer, order(PERPETUAL, Side.BUY, **huge)) == ""  # type: ignore[arg-type]
    assert denial(Signer(), order(BTC, Side.SELL, **huge)) == ""  # type: ignore[arg-type]
    assert denial(signer, order()) == ""  # Closes count for no limit.


def test_a_purchase_on_a_spot_market_that_calls_itself_a_close_is_held_to_the_rules(signer: Signer) -> None:
    assert denial(signer, order(qty="1000", reduces=True)) == Denial.SIGNER_NOTIONAL_MAX


@pytest.mark.parametrize(("position", "opening"), [(PositionSide.LONG, Side.BUY), (PositionSide.SHORT, Side.SELL)])
def test_in_hedge_mode_a_close_is_told_by_its_side(signer: Signer, position: PositionSide, opening: Side) -> None:
    """Exchanges take no reduce-only there: what adds to a position opens, whatever it calls itself."""
    closing = Side.SELL if opening is Side.BUY else Side.BUY
    huge = {"qty": "1000000", "reduces": True, "position_side": position}
    assert denial(signer, order(PERPETUAL, opening, **huge)) == Denial.SIGNER_NOTIONAL_MAX  # type: ignore[arg-type]
    assert denial(Signer(), order(PERPETUAL, opening, **huge)) == Denial.SIGNER_UNREADY  # type: ignore[arg-type]
    assert denial(Signer(), order(PERPETUAL, closing, **huge)) == ""  # type: ignore[arg-type]


def test_a_brand_without_rules_opens_nothing(signer: Signer) -> None:
    assert denial(signer, order(), key=Credentials(7, "key", "secret", tenant_id=2)) == Denial.SIGNER_UNREADY
    signer.learn(1, None)
    assert denial(signer, order()) == Denial.SIGNER_UNREADY


def test_without_a_young_price_an_order_is_measured_by_its_own(signer: Signer) -> None:
    assert denial(signer, order(px="1000"), now=NOW + 31) == ""
    assert denial(signer, order(px="1000", qty="11"), now=NOW + 31) == Denial.SIGNER_NOTIONAL_MAX
    assert denial(signer, order(px=None), now=NOW + 31) == Denial.SIGNER_PRICE_UNKNOWN


def test_an_account_gets_so_many_opens_in_a_minute(signer: Signer) -> None:
    other = Credentials(8, "key", "secret", tenant_id=1)
    for _ in range(3):
        assert denial(signer, order()) == ""
        signer.signed(KEY, order(), NOW)
    assert denial(signer, order()) == Denial.SIGNER_ORDERS_MAX
    assert denial(signer, order(), key=other) == ""
    assert denial(signer, order(), now=NOW + 59.9) == Denial.SIGNER_ORDERS_MAX
    assert denial(signer, order(px="100"), now=NOW + 60) == ""


def test_the_policy_costs_less_than_five_microseconds(signer: Signer) -> None:
    """A fan-out of ten thousand must not notice it; the bar is far above what it takes, for busy machines."""
    request, rounds = order(), 2_000

    def one_round() -> float:
        began = time.perf_counter()
        for _ in range(rounds):
            signer.refusal(KEY, request, NOW)
        return (time.perf_counter() - began) / rounds

    assert min(one_round() for _ in range(5)) < 5e-6


def test_a_refused_order_is_not_written_and_the_next_one_is(signer: Signer) -> None:
    orders = [(KEY, order(qty="1000")), (KEY, order()._replace(client_order_id="cd-2"))]

    async def run() -> None:
        async with raw_exchange(lambda _: ok(b'{"code":-2010,"msg":"no"}', status="400 Bad Request")) as exchange:
            urls = VenueUrls.lab("binance", exchange.url, "ws://127.0.0.1:9")
            limits = PoolLimits(connections_max=1)
            signer.saw(BTC, D(100), time.time())
            venue = Binance(urls, limits=limits, symbols=known_symbols(), policy=signer)
            try:
                outcomes = await venue.submit_many(orders)
            finally:
                await venue.aclose()
            refused = outcomes[0].result
            assert isinstance(refused, VenueRefused)
            assert (refused.code, outcomes[0].sent_at) == (Denial.SIGNER_NOTIONAL_MAX, None)
            assert len(exchange.requests) == 1

    asyncio.run(run())


@pytest.mark.parametrize("meant", [(), (True, PositionSide.LONG)], ids=["opens", "says that it closes"])
def test_an_amendment_passes_the_policy_too(signer: Signer, meant: tuple[bool, PositionSide]) -> None:
    async def run() -> None:
        urls = VenueUrls.lab("binance", "http://127.0.0.1:9", "ws://127.0.0.1:9")
        venue = Binance(urls, symbols=known_symbols(), policy=signer)
        signer.saw(PERPETUAL, D(100), time.time())
        try:
            with pytest.raises(VenueRefused) as refused:
                await venue.amend(KEY, Amendment("cd-1", PERPETUAL, Side.BUY, D(1000), D(100), *meant))
        finally:
            await venue.aclose()
        assert refused.value.code == Denial.SIGNER_NOTIONAL_MAX

    asyncio.run(run())


def test_a_process_that_sends_no_orders_signs_none() -> None:
    refusal = NO_ORDER.refusal(KEY, order(PERPETUAL, Side.SELL, reduces=True), NOW)
    assert refusal is not None
    assert refusal.code == Denial.SIGNER_UNREADY


class Hand(SystemClock):
    """A clock that the test moves."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


class Files:
    """Two brands' files, of which one goes."""

    def __init__(self) -> None:
        self.gone = self.away = self.suspended = False
        self.off: set[str] = set()

    def tenant(self, tenant_id: int) -> SimpleNamespace:
        if self.away:
            raise OperationalError("SELECT", {}, Exception("no server"))
        if self.gone:
            raise ConfigError("no file")
        offered = SimpleNamespace(venue="binance", environment="lab", markets=[BTC] if tenant_id == 1 else [PERPETUAL])
        config = SimpleNamespace(exchanges=[offered], markets_of=lambda one: set(one.markets) - self.off)
        status = TenantStatus.SUSPENDED if self.suspended else TenantStatus.ACTIVE
        return SimpleNamespace(config=config, status=status)

    def number(self, setting: Setting) -> int:
        return int(setting.default)  # type: ignore[arg-type]


def test_each_brand_is_held_to_its_own_file() -> None:
    files = Files()
    desk = SigningDesk(files)  # type: ignore[arg-type]
    desk.keep(1, "binance-lab")
    desk.keep(2, "binance-lab")
    desk.saw("binance-lab", BTC, FreshPrice(px=D(100)))
    signer, now = desk.of("binance-lab"), time.time()
    assert denial(signer, order(), now=now) == ""
    assert denial(signer, order(), key=Credentials(7, "k", "s", tenant_id=2), now=now) == Denial.MARKET_NOT_ALLOWED
    assert denial(signer, order(px="121"), now=now) == Denial.SIGNER_PRICE_BAND
    assert denial(desk.of("okx-lab"), order(), now=now) == Denial.SIGNER_UNREADY
    files.gone = True
    desk.keep(3, "binance-lab")
    assert denial(signer, order(), key=Credentials(9, "k", "s", tenant_id=3), now=now) == Denial.SIGNER_UNREADY


def test_a_market_that_is_off_and_a_brand_that_is_suspended_open_nothing_and_close_all_the_same() -> None:
    files, clock = Files(), Hand()
    desk = SigningDesk(files, clock=clock)  # type: ignore[arg-type]
    close = order(side=Side.SELL, reduces=True)
    files.off = {BTC}
    desk.keep(1, "binance-lab")
    assert denial(desk.of("binance-lab"), order()) == Denial.MARKET_NOT_ALLOWED
    assert denial(desk.of("binance-lab"), close) == ""
    files.off, files.suspended, clock.seconds = set(), True, 6.0
    desk.keep(1, "binance-lab")
    assert denial(desk.of("binance-lab"), order()) == Denial.STOPPED_BY_SWITCH
    assert denial(desk.of("binance-lab"), close) == ""


def test_nobody_sends_before_the_rules_of_a_brand_are_known() -> None:
    """Two lanes of a brand begin together: the second waits for what the first reads."""
    reading, read = threading.Event(), threading.Event()

    class SlowFiles(Files):
        def tenant(self, tenant_id: int) -> SimpleNamespace:
            reading.set()
            assert read.wait(10)
            return super().tenant(tenant_id)

    desk = SigningDesk(SlowFiles())  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(desk.keep, 1, "binance-lab")
        assert reading.wait(10)
        second = pool.submit(desk.keep, 1, "binance-lab")
        assert denial(desk.of("binance-lab"), order()) == Denial.SIGNER_UNREADY
        assert not second.done()
        read.set()
        first.result()
        second.result()
    assert denial(desk.of("binance-lab"), order()) == ""


def test_while_postgresql_is_away_rules_stay_as_they_were() -> None:
    files, clock = Files(), Hand()
    desk = SigningDesk(files, clock=clock)  # type: ignore[arg-type]
    desk.keep(1, "binance-lab")
    files.away = True
    clock.seconds += 3_600
    desk.keep(1, "binance-lab")
    assert denial(desk.of("binance-lab"), order()) == ""


def test_a_file_that_is_gone_holds_within_seconds() -> None:
    files, clock = Files(), Hand()
    desk = SigningDesk(files, clock=clock)  # type: ignore[arg-type]
    desk.keep(1, "binance-lab")
    files.gone = True
    desk.keep(1, "binance-lab")
    assert denial(desk.of("binance-lab"), order()) == ""
    clock.seconds += 5
    desk.keep(1, "binance-lab")
    assert denial(desk.of("binance-lab"), order()) == Denial.SIGNER_UNREADY


def test_what_was_not_signed_has_ended_by_name() -> None:
    refused = VenueRefused("not signed: too much", code=Denial.SIGNER_NOTIONAL_MAX.value)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    settled = settlement_of(1, Outcome(refused, None, None), checks=0, unknown_wait_ms=1000, now=now)
    assert (settled.status, settled.reason) == (OrderStatus.REJECTED, Denial.SIGNER_NOTIONAL_MAX)


def test_an_opened_key_shows_nothing() -> None:
    shown = repr(Credentials(7, "the-key", "the-secret", "the-passphrase"))
    assert [word for word in ("the-key", "the-secret", "the-passphrase") if word in shown] == []
