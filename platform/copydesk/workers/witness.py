"""The relay's hourly act: signed checkpoints of every brand's record of who did what."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from copydesk.audit.notary import Brand
from copydesk.bootstrap import Runtime
from copydesk.kernel import ConfigError, utc_now

log = logging.getLogger(__name__)

SIGN_EVERY = timedelta(hours=1)
# A role that is restarted again and again signs all the same.
_FIRST_AFTER = timedelta(minutes=1)


class Witness:
    """Sign when an hour has passed; a key that cannot be used is told of, and copying goes on."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._due_at = utc_now() + _FIRST_AFTER

    def sign_if_due(self, now: datetime) -> int:
        """Sign what each brand's record has gained since the last time, and return how many gained anything."""
        if now < self._due_at:
            return 0
        self._due_at = now + SIGN_EVERY
        signed = 0
        for slug, tenant_id in self._runtime.tenant_ids.items():
            try:
                with self._runtime.db.tenant(tenant_id) as session:
                    made = self._runtime.notary.checkpoint(session, Brand(tenant_id, slug), at=now)
            except ConfigError as error:
                log.error("the record of %s was not signed: %s", slug, error)
                continue
            if made:
                # Whoever collects logs holds a second copy of what was signed.
                log.info("record of %s signed up to entry %d: %s", slug, made.seq, made.hash)
                signed += 1
        return signed
