"""What the web layer needs from the composition root, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from copydesk.tenancy import Tenant


class Directory(Protocol):
    """Find brands; `refresh_if_due` follows the files and does nothing when called again soon."""

    def by_host(self, host: str) -> Tenant | None: ...

    def by_slug(self, slug: str) -> Tenant | None: ...

    def refresh_if_due(self) -> bool: ...


class Runtime(Protocol):
    """One installation as the web sees it.

    `live_url` gives the origin of live events for a brand's host, `link_key` the key that signs a brand's links of one
    purpose, None where no link was ever made.
    """

    @property
    def database_url(self) -> str: ...

    @property
    def redis_url(self) -> str: ...

    @property
    def directory(self) -> Directory: ...

    @property
    def tenant_ids(self) -> Mapping[str, int]: ...

    @property
    def themes_dir(self) -> Path: ...

    def live_url(self, host: str) -> str: ...

    def link_key(self, purpose: str, slug: str) -> bytes | None: ...
