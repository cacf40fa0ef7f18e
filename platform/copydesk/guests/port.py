"""What guests need from outside: somebody who opens accounts on the simulated exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from copydesk.keys import Handed


class LabDoor(Protocol):
    """Open funded accounts on the simulated exchange; `guests.lab.LabHttp` is one.

    Both raise `Unavailable` while it does not answer, and where it refuses.
    """

    def open_account(self, account: str, venue: str, funds: dict[str, Decimal], currency: str) -> None:
        """Open an account with money, by wallet ("trading", "futures"); one of that name that is there stays as it is.

        Account names are of the whole simulated exchange.
        """
        ...

    def issue_key(self, account: str, ips: tuple[str, ...]) -> Handed:
        """Make a key that reads and trades; bound to these addresses where there are any."""
        ...
