"""Who hears what happens on one exchange, and the scripted harms on the way to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from copydesk.venues.lab.faults import Fault, Harm
from copydesk.venues.lab.model import AccountEvent, OrderUpdate, PublicTrade

RECENT_LEN = 500
Listener = Callable[[AccountEvent], None]


@dataclass
class Streams:
    """Who hears what. Accounts without a listener cost one dictionary look-up per event.

    `on_trade` and `on_fill` are hooks of the dialect: the tape, and the first execution of an order.
    """

    listeners: dict[str, list[Listener]] = field(default_factory=dict)
    recent: dict[str, deque[AccountEvent]] = field(default_factory=dict)
    harms: list[Fault] = field(default_factory=list)
    held: dict[str, AccountEvent] = field(default_factory=dict)
    topics: dict[str, dict[object, bool]] = field(default_factory=dict)
    on_trade: Callable[[str, PublicTrade], None] | None = None
    on_fill: Callable[[OrderUpdate], None] | None = None

    def listen(self, account: str, listener: Listener) -> None:
        self.listeners.setdefault(account, []).append(listener)
        self.recent.setdefault(account, deque(maxlen=RECENT_LEN))

    def leave(self, account: str, listener: Listener) -> None:
        left = [one for one in self.listeners.get(account, ()) if one != listener]
        if left:
            self.listeners[account] = left
        else:
            self.listeners.pop(account, None)

    def tell(self, event: AccountEvent) -> None:
        """Keep the event for replays and hand it on, as scripted harms allow."""
        recent = self.recent.get(event.account)
        if recent is None:
            return
        recent.append(event)
        self._hand_on(event)

    def replay(self, account: str, count: int) -> int:
        """Send the account's last `count` events once more; return how many there were."""
        events = list(self.recent.get(account, ()))[-count:] if count > 0 else []
        for event in events:
            self._hand_on(event)
        return len(events)

    def lift(self, harm: Fault) -> None:
        """End one harm; events that wait to be sent out of order go out."""
        self.harms = [one for one in self.harms if one is not harm]
        held, self.held = self.held, {}
        for event in held.values():
            self._send(event)

    def _hand_on(self, event: AccountEvent) -> None:
        for one in self._harmed(event) if self.harms else (event,):
            self._send(one)

    def _harmed(self, event: AccountEvent) -> tuple[AccountEvent, ...]:
        """Return what is sent now that this event came, by the first harm that hits it."""
        earlier = self.held.pop(event.account, None)
        if earlier is not None:
            return event, earlier
        fault = next((one for one in self.harms if one.account in ("", event.account) and one.strikes()), None)
        if fault is None:
            return (event,)
        if fault.harm == Harm.REORDER:
            self.held[event.account] = event
        return (event, event) if fault.harm == Harm.DUPLICATE else ()

    def _send(self, event: AccountEvent) -> None:
        for listener in self.listeners.get(event.account, ()):
            listener(event)
