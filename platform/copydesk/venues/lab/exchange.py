"""One simulated exchange: its two engines with keys, streams, wallets and market makers around them.

Every effect of an order passes `publish`, which feeds journal, tape and whoever listens. What all exchanges share,
the replayed market, the journal, faults and time, is in `world`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.faults import Fault
from copydesk.venues.lab.feeds import PublicTelling
from copydesk.venues.lab.fills import FillScript
from copydesk.venues.lab.income import FundingBook, FundingRate
from copydesk.venues.lab.journal import VenueJournal
from copydesk.venues.lab.keys import KeyRing
from copydesk.venues.lab.light import fill
from copydesk.venues.lab.listeners import Streams
from copydesk.venues.lab.listings import Listing
from copydesk.venues.lab.maker import MarketMaker
from copydesk.venues.lab.model import (
    PERP,
    SPOT,
    BookChange,
    Event,
    NewOrder,
    OrderUpdate,
    PublicTrade,
    Reject,
    Result,
)
from copydesk.venues.lab.perp import PerpEngine, recover_perp
from copydesk.venues.lab.recovery import recover

if TYPE_CHECKING:
    from copydesk.venues.lab.world import World

TAPE_LEN = 1000
FORGETS_EVERY_MS = 60_000
TRADING, FUTURES, FUNDING = "trading", "futures", "funding"


class Exchange:
    """One exchange of the world. `spot` and `perp` are its engines; `funding` holds the funding wallets."""

    def __init__(self, world: World, listing: Listing, *, keys: KeyRing) -> None:
        self.world = world
        self.listing = listing
        self.venue = listing.venue
        self.unified = listing.unified
        self.spot = Engine(listing.spot, listing.spot_fee, listing.spot_fee, listing.spot_rules)
        self.purses = self.spot.account_table if listing.unified else {}
        self.perp = PerpEngine(
            listing.perp,
            purses=self.purses,
            maker_fee=listing.perp_maker_fee,
            taker_fee=listing.perp_taker_fee,
            rules=listing.rules,
        )
        self.funding: dict[str, Account] = {}
        self.funding_paid = FundingBook()
        self.journal = VenueJournal(world.journal, listing.venue)
        self.keys = keys
        self.streams = Streams()
        self.public = PublicTelling()
        self.spot.heard = self.perp.heard = self.streams.recent
        self.makers = {SPOT: MarketMaker(world.seed), PERP: MarketMaker(world.seed)}
        self.history = world.history
        self.tape: dict[tuple[str, str], deque[PublicTrade]] = {}
        self.clock_offset_ms = 0.0
        self.maintenance = False
        self.cancel_only = False
        self.light = False
        self.fills = FillScript()
        self.changes = 0
        self._forgot_ms = 0

    def now_ms(self) -> float:
        """Return the exchange's own time in epoch ms; a scripted clock offset is in it."""
        return self.world.now_ms() + self.clock_offset_ms

    @property
    def rtt_ms(self) -> float:
        return self.world.rtt_ms

    def market_ms(self) -> float:
        """Return the present time of the replayed market, in its own epoch ms."""
        return self.world.market_ms()

    def engine(self, market: str) -> Engine | PerpEngine:
        """Return the engine of "spot" or "perp"."""
        return self.spot if market == SPOT else self.perp

    def submit(self, new: NewOrder, now_ms: int) -> Result:
        """Place an order on its market and let everyone know."""
        engine = self.spot if new.market == SPOT else self.perp
        thin = self.fills.active and self.fills.shape(self, new, now_ms)
        if self.cancel_only and not new.reduce_only:
            result = Result(None, (), Reject.MARKET_HALTED, [])
        elif self.light:
            result = fill(self, new, now_ms)
        else:
            result = engine.submit(new, now_ms)
        if result.reject is not None:
            self.journal.rejected(new, result.reject, now_ms)
            return result
        self.publish(result.events, now_ms)
        if result.executions and not thin and not self.light:
            self._refill(new.market, new.symbol, now_ms)
        return result

    def _refill(self, market: str, symbol: str, now_ms: int) -> None:
        refill = self.makers[market].replenish(self.engine(market), symbol, now_ms)
        if refill:
            self.publish(refill, now_ms)

    def publish(self, events: Iterable[Event], now_ms: int) -> None:
        """Record events and hand them to journal, tape and listeners; `changes` counts those of accounts."""
        self.journal.events(events, now_ms)
        streams = self.streams
        recent = streams.recent
        for event in events:
            kind = type(event)
            if kind is BookChange:
                continue
            if kind is PublicTrade:
                self._print(event)  # type: ignore[arg-type]
                continue
            self.changes += 1
            if kind is OrderUpdate and event.execution is not None and streams.on_fill is not None:  # type: ignore[union-attr]
                streams.on_fill(event)  # type: ignore[arg-type]
            if event.account in recent:  # type: ignore[union-attr]
                streams.tell(event)  # type: ignore[arg-type]

    def move(self, marks: bool) -> None:
        """Move both markets to the present prices; with `marks` write them down."""
        now_ms = int(self.now_ms())
        self.fills.restore(self, now_ms)
        for market in (SPOT, PERP):
            engine, maker = self.engine(market), self.makers[market]
            for symbol, instrument in engine.instruments.items():
                px = self.world.price(self.venue, instrument)
                events = maker.requote(engine, symbol, px, now_ms)
                if market == PERP:
                    events += self.perp.mark(symbol, px, self.world.index(instrument), now_ms)
                if events:
                    self.publish(events, now_ms)
                if marks:
                    self.journal.write("mark", now_ms, {"market": market, "symbol": symbol, "px": px})
        due = self.perp.expire(now_ms)
        if due:
            self.publish(due, now_ms)
        if not 0 <= now_ms - self._forgot_ms < FORGETS_EVERY_MS:  # A clock that was off may be set back.
            self._forget(now_ms)

    def _forget(self, now_ms: int) -> None:
        """Tell no more of orders that ended without a fill so long ago that the exchange has forgotten them."""
        self._forgot_ms = now_ms
        for engine in (self.spot, self.perp):
            kept_ms = engine.order_rules.unfilled_kept_ms
            for registry in engine.registries.values() if kept_ms else ():
                registry.forget_unfilled(now_ms - kept_ms)

    def charge_funding(self) -> None:
        """Let every open position pay or receive the funding rate of its contract."""
        now_ms = int(self.now_ms())
        for symbol, instrument in self.perp.instruments.items():
            rate = self.world.funding_rate(self.venue, instrument)
            events = self.perp.fund(symbol, rate, now_ms)
            charged = FundingRate(symbol, rate, self.perp.markets[symbol].px(), now_ms)
            self.funding_paid.note(charged, events, self.perp)
            self.publish(events, now_ms)

    def fault_struck(self, fault: Fault, method: str, path: str, account: str) -> None:
        """Write down that a scripted fault hit a request."""
        row = {"fault": fault.id, "harm": str(fault.harm), "method": method, "path": path, "account": account}
        self.journal.write("fault", self.now_ms(), row)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values."""
        wallets = {
            name: {asset: decimal_text(balance.free) for asset, balance in purse.balances.items()}
            for name, purse in self.funding.items()
        }
        return {"spot": self.spot.snapshot(), "perp": self.perp.snapshot(), "funding": wallets}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over the state of a snapshot; only for an exchange that nobody has used yet."""
        self.spot.fill(state["spot"])
        self.perp.fill(state["perp"])
        for name, wallet in state["funding"].items():
            purse = self.funding[name] = Account(name)
            for asset, text in wallet.items():
                purse.balances[asset].free = Decimal(text)

    def recover(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Apply what the journal says happened after the snapshot."""
        recover(
            self.spot, (r for r in records if r.get("market", SPOT) == SPOT and r.get("wallet", TRADING) == TRADING)
        )
        for record in records:
            if record["kind"] == "account" and record["change"] == "created":
                self._open_wallets(record["account"])
        recover_perp(self.perp, (r for r in records if r.get("market", PERP) == PERP))
        for record in records:
            if record["kind"] == "account" and record["wallet"] == FUNDING:
                for asset, text in record["balances"].items():
                    self.funding[record["account"]].balances[asset].free += Decimal(text)

    def has_account(self, account: str) -> bool:
        return self.spot.has_account(account)

    def create_account(self, account: str, balances: dict[str, Decimal]) -> None:
        """Open an account with money in its trading wallet; a name that exists raises ValueError."""
        self.spot.create_account(account, balances)
        self._open_wallets(account)
        self._account_changed("created", account, balances)

    def _open_wallets(self, account: str) -> None:
        self.perp.open_account(account)
        self.funding.setdefault(account, Account(account))

    def deposit(self, account: str, asset: str, qty: Decimal, wallet: str = TRADING) -> None:
        """Add money from outside to a wallet; a negative quantity takes it out (ValueError above what is there)."""
        now_ms = int(self.now_ms())
        if wallet == TRADING or (wallet == FUTURES and self.unified):
            self.publish(self.spot.deposit(account, asset, qty, now_ms), now_ms)
        elif wallet == FUTURES:
            change = self.perp.transfer(account, asset, qty, now_ms)
            if change.reject is not None:
                raise ValueError(f"account {account!r} has less than {-qty} {asset} to withdraw")
            self.publish(change.events, now_ms)
        else:
            balance = self.funding[account].balances[asset]
            if balance.free + qty < ZERO:
                raise ValueError(f"account {account!r} has less than {-qty} {asset} in its funding wallet")
            balance.free += qty
        self._account_changed("deposit", account, {asset: qty}, wallet)

    def transfer(self, account: str, asset: str, qty: Decimal, source: str, target: str) -> Reject | None:
        """Move money between two wallets of an account; refused whole when the source has too little."""
        if qty <= ZERO:
            return Reject.INVALID_PARAMETERS
        try:
            self.deposit(account, asset, -qty, source)
        except ValueError:
            return Reject.INSUFFICIENT_BALANCE
        self.deposit(account, asset, qty, target)
        return None

    def _account_changed(self, change: str, account: str, balances: dict[str, Decimal], wallet: str = TRADING) -> None:
        self.changes += 1
        row = {"account": account, "change": change, "wallet": wallet, "balances": balances}
        self.journal.write("account", self.now_ms(), row)

    def prints(self, market: str, symbol: str) -> deque[PublicTrade]:
        """Return the tape of one instrument, oldest first."""
        tape = self.tape.get((market, symbol))
        if tape is None:
            tape = self.tape[market, symbol] = deque(maxlen=TAPE_LEN)
        return tape

    def _print(self, trade: PublicTrade) -> None:
        self.prints(trade.market, trade.symbol).append(trade)
        if self.streams.on_trade is not None:
            self.streams.on_trade(trade.market, trade)
