"""Many orders at once, over one origin or several: closes first, every outcome told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, Instrument, OrderRequest
from copydesk.venues.client.calls import Fanout, OrderCall
from copydesk.venues.client.core import VenueClient
from copydesk.venues.model import Outcome

SEND_BURST = 50  # Orders written before the loop may read answers again.
READ_BURST = 250  # Answers read before the loop may do something else.

Route = Callable[[Credentials, OrderRequest], tuple[VenueClient, Instrument]]


async def send_orders(
    orders: Sequence[tuple[Credentials, OrderRequest]], route: Route, may_send: Callable[[], bool]
) -> list[Outcome]:
    """Send closes first, else in the given order; return every outcome, in the given order.

    `route` names an order's origin and instrument, or raises a failure: then nothing is sent for it.
    Answers are read once the last has come, so that reading one never delays another on its way. If
    canceled, orders already queued are still sent.
    """
    fanout = Fanout(may_send)
    calls = [_routed(credentials, order, route, fanout) for credentials, order in orders]
    urgent_first = sorted((c for c in calls if isinstance(c, OrderCall)), key=lambda call: not call.urgent)
    for client in {call.client: None for call in urgent_first}:
        await client.get_ready(call for call in urgent_first if call.client is client)
    for count, call in enumerate(urgent_first, start=1):
        call.client.start(call)
        if count % SEND_BURST == 0:
            await asyncio.sleep(0)
    if urgent_first:
        await fanout.done
    outcomes: list[Outcome] = []
    for one in calls:
        outcomes.append(one.outcome() if isinstance(one, OrderCall) else one)
        if len(outcomes) % READ_BURST == 0:
            await asyncio.sleep(0)
    return outcomes


def _routed(credentials: Credentials, order: OrderRequest, route: Route, fanout: Fanout) -> OrderCall | Outcome:
    try:
        client, instrument = route(credentials, order)
    except (VenueRefused, Unavailable, OutcomeUnknown) as failure:
        return Outcome(failure, None, None)
    return OrderCall(client, credentials, order, instrument, fanout)
