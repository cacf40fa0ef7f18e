"""Settings of the operator: where the console answers, and what share of copies has to be in time."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from ipaddress import ip_network

from copydesk.kernel import Setting, registry
from copydesk.kernel.settings import Misfit, Said


def _networks(found: list[str], _said: Said) -> Iterator[Misfit]:
    for place, network in enumerate(found):
        try:
            ip_network(network)
        except ValueError:
            yield Misfit("an address or network such as 10.0.0.0/8", network, place)


CONSOLE_HOSTS = registry.declare(
    Setting(
        "operator.hosts",
        default=[],
        scope="installation",
        help="Hosts on which the operator's console answers, none for no console; a brand's host cannot be one.",
    )
)
CONSOLE_NETWORKS = registry.declare(
    Setting(
        "operator.networks",
        default=["127.0.0.0/8", "::1/128"],
        scope="installation",
        check=_networks,
        help="Networks from which the operator's console can be reached; everybody else finds nothing there.",
    )
)
COPY_MS_MAX = registry.declare(
    Setting(
        "operator.copy_ms_max",
        default=1_000,
        minimum=10,
        maximum=60_000,
        scope="installation",
        help="Within how many milliseconds of its signal a copy is sent in time.",
    )
)
IN_TIME_RATIO = registry.declare(
    Setting(
        "operator.in_time_ratio",
        default=Decimal("0.995"),
        minimum=Decimal("0.5"),
        maximum=Decimal("0.9999"),
        scope="installation",
        help="What share of a month's copies is to be in time; the rest is the month's error budget.",
    )
)
