"""Follows the list of brands in a role that is not asked for pages: who is new or changed is taken in within a second.

What it costs while nothing changes is what the directory's own look costs: a `stat` for each file, and one query.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import NamedTuple

from copydesk.bootstrap import Runtime
from copydesk.kernel import CopydeskError
from copydesk.tenancy import Tenant
from copydesk.workers.lookout import Lookout

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0


class Changed(NamedTuple):
    """A brand as it is now, and as it was when it was handed over last; None for a new one."""

    tenant: Tenant
    before: Tenant | None

    @property
    def offers_otherwise(self) -> bool:
        """Tell whether it trades elsewhere, or in other markets."""
        return self.before is not None and _offered(self.before) != _offered(self.tenant)


class BrandWatch:
    """Look at the brands every second, and hand over those that were not there before, or not like this.

    A brand that is gone is nobody's any more with the next look at the list; there is nothing to hand over.
    """

    def __init__(self, runtime: Runtime, take_in: Callable[[Collection[Changed]], None]) -> None:
        self._runtime = runtime
        self._take_in = take_in
        self._served = runtime.directory.all()
        self._lookout = Lookout("brands", self.look, every_s=LOOK_EVERY_S, away="brands stay as they are")

    def start(self) -> None:
        """Look from now on, in a thread."""
        self._lookout.start()

    def close(self) -> None:
        self._lookout.close()

    def look(self) -> None:
        """Look once. Raises the driver's errors; what it could not hand over it hands over the next time."""
        self._runtime.directory.refresh_if_due()
        served = self._runtime.directory.all()
        before = {tenant.slug: tenant for tenant in self._served}
        changed = [Changed(one, before.get(one.slug)) for one in served if before.get(one.slug) is not one]
        if changed:
            try:
                self._take_in(changed)
            except CopydeskError as error:
                log.warning("brands that changed are taken in later: %s", error)
                return
        self._served = served


def _offered(tenant: Tenant) -> list[tuple[str, str, tuple[str, ...]]]:
    config = tenant.config
    return [(one.venue, str(one.environment), config.markets_of(one)) for one in config.exchanges]
