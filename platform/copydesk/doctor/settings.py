"""Settings of the doctor: what it holds the installation to."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from copydesk.kernel import Misfit, Said, Setting, registry


def _addresses(values: list[str], _said: Said) -> Iterable[Misfit]:
    for place, value in enumerate(values):
        try:
            ip_address(value)
        except ValueError:
            yield Misfit("a public IP address such as 203.0.113.7", repr(value), place)


PUBLIC_ADDRESSES = registry.declare(
    Setting(
        "operations.public_addresses",
        default=[],
        scope="installation",
        check=_addresses,
        help="Public addresses under which visitors reach the sites; `copydesk tenant doctor` looks whether a brand's "
        "hosts point there. Empty: it only looks whether they point anywhere.",
    )
)
BACKUP_MAX_AGE_H = registry.declare(
    Setting(
        "operations.backup_max_age_h",
        default=26,
        minimum=1,
        maximum=8760,
        scope="installation",
        unit="hours",
        help="How old the newest backup may be, in hours, before `copydesk tenant doctor` warns; the job that makes it "
        "writes var/backup/last.json.",
    )
)
