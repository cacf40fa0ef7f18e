"""Settings of exchange keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from copydesk.kernel import Setting, registry
from copydesk.kernel.settings import Misfit, Said

REQUIRED, ADVISED = "required", "advised"


def _addresses(listed: list[str], _said: Said) -> Iterator[Misfit]:
    for place, text in enumerate(listed):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            yield Misfit("an IP address such as 203.0.113.5", text, place)


EGRESS_SHOWN = registry.declare(
    Setting(
        "keys.egress_shown",
        default=[],
        scope="installation",
        check=_addresses,
        help="Public addresses that exchanges see this installation under; people are told to bind their keys to them.",
    )
)
IP_LOCK = registry.declare(
    Setting(
        "keys.ip_lock",
        default=ADVISED,
        choices=(ADVISED, REQUIRED),
        help="Whether a new key that is not bound to addresses at its exchange is refused, or only warned about.",
        sensitive=True,
    )
)
