"""What a brand's panel has set, for commands that also work where no database is up."""

from __future__ import annotations

import os
from typing import NamedTuple

from copydesk.bootstrap import Runtime
from copydesk.cli.installation import Installation
from copydesk.cli.surroundings import server_environment
from copydesk.kernel import Unavailable
from copydesk.tenancy import DatabaseOverrides, Head, Overrides


class PanelValues(NamedTuple):
    """A brand's overrides; with a `problem` they are not known, and the file alone was looked at."""

    overrides: Overrides
    problem: str = ""


def panel_values(installation: Installation, slug: str) -> PanelValues:
    """Ask the database that the environment or the data directory names; a brand that it does not know has none."""
    runtime = Runtime(server_environment(installation, os.environ), opens_exchange_keys=False)
    source = DatabaseOverrides(lambda: runtime.db)
    try:
        head = source.heads().get(slug, Head(0))
        return PanelValues(source.values(head.tenant_id) if head.revision else Overrides())
    except Unavailable as error:
        return PanelValues(Overrides(), str(error))
    finally:
        runtime.close()
