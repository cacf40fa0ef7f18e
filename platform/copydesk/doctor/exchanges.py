"""Can the exchanges be reached that the brand offers, do their clocks agree with ours, and do they know our broker?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from copydesk.doctor.beside import beside
from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok, warn
from copydesk.tenancy import Exchange
from copydesk.trading import Environment

# An answer's date is a whole second old at most, and the way takes a moment; exchanges refuse 5 s.
CLOCK_S_MAX = 3.0


def reached(case: Case) -> Iterator[Result]:
    """Ask each address of each exchange for anything at all, and compare clocks."""
    yield from beside(lambda exchange: _reached(case, exchange), case.tenant.config.exchanges)


def brokers(case: Case) -> Iterator[Result]:
    """Without a broker id the exchange pays the brand no rebate."""
    live = [one for one in case.tenant.config.exchanges if one.environment is Environment.LIVE]
    for exchange in live:
        place = _name(exchange)
        if exchange.broker_id:
            yield ok(place, f"broker id {exchange.broker_id}")
        else:
            yield warn(place, "no broker id", f"Set broker_id for {exchange.venue} to earn the brand its rebate.")


def _reached(case: Case, exchange: Exchange) -> Result:
    worst = 0.0
    for address in dict.fromkeys(case.urls(exchange.venue, exchange.environment).rest.values()):
        try:
            ahead_s = _ahead_s(address, case)
        except (OSError, HTTPException) as error:
            told = f"{address} gives no answer: {getattr(error, 'strerror', None) or error or type(error).__name__}"
            return fail(_name(exchange), told, "Let this machine reach the exchange; is it up, is there a firewall?")
        worst = max(worst, ahead_s, key=abs)
    said = f"answers, its clock {'agrees with ours' if abs(worst) <= CLOCK_S_MAX else f'is {worst:+.0f} s from ours'}"
    if abs(worst) > CLOCK_S_MAX:
        return warn(_name(exchange), said, "Set this machine's clock by NTP; orders that look old are refused.")
    return ok(_name(exchange), said)


def _ahead_s(address: str, case: Case) -> float:
    """Return by how many seconds the other clock is ahead, as far as an answer's date can say."""
    place = urlsplit(address)
    host, port = place.hostname or "", place.port
    connection: HTTPConnection = (
        HTTPSConnection(host, port, timeout=case.patience_s, context=case.trusted)
        if place.scheme == "https"
        else HTTPConnection(host, port, timeout=case.patience_s)
    )
    try:
        connection.request("GET", place.path or "/")
        told = connection.getresponse().getheader("Date")
    finally:
        connection.close()
    now = datetime.now(UTC)
    return (parsedate_to_datetime(told) - now).total_seconds() if told else 0.0


def _name(exchange: Exchange) -> str:
    return f"{exchange.venue}-{exchange.environment}"
