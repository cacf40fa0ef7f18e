"""What the web layer needs from the composition root, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from copydesk.identity.port import Hashing
from copydesk.notifications import Mailer
from copydesk.tenancy import LayerValues, Tenant, TenantError
from copydesk.tenancy.revisions import SettingsDesk
from copydesk.vault import IntakePlace

if TYPE_CHECKING:
    from copydesk.guests.port import LabDoor
    from copydesk.identity.factors.port import Texter


class Directory(Protocol):
    """Find brands; `refresh_if_due` follows the files and does nothing when called again soon."""

    def by_host(self, host: str) -> Tenant | None: ...

    def by_slug(self, slug: str) -> Tenant | None: ...

    def refresh_if_due(self) -> bool: ...

    def refresh(self) -> bool: ...

    def problems(self) -> tuple[TenantError, ...]: ...

    def all(self) -> tuple[Tenant, ...]: ...

    @property
    def defaults(self) -> LayerValues: ...

    @property
    def revision_hash(self) -> str: ...


class Vault(Protocol):
    """Seal and open what pages need again (second factors, phone numbers, links in mails); never an exchange key."""

    def seal(self, tenant_id: int, row_id: int, field: str, plaintext: str, /) -> bytes: ...

    def open(self, tenant_id: int, row_id: int, field: str, sealed: bytes, /) -> str:
        """Return the text; raise `vault.SealBroken` unless exactly this was sealed for exactly this place."""
        ...


class Intake(Protocol):
    """Seal an exchange key that a user enters, for the roles that may open it; nobody here can."""

    def seal(self, place: IntakePlace, plaintext: str, /) -> bytes:
        """Return what goes into the `key_intake` row; raises `Unavailable` before the listener has ever run."""
        ...


class SecretStore(Protocol):
    """Keep what a brand's settings refer to as `secret:<name>`; raises `vault.SealBroken` for what does not open."""

    def set(self, slug: str, name: str, value: str) -> None: ...

    def get(self, slug: str, name: str) -> str | None: ...

    def names(self, slug: str) -> tuple[str, ...]: ...


class Runtime(Protocol):
    """One installation as the web sees it.

    `live_url` gives the origin of live events for a brand's host, `site_url` that of its pages as links in mails have
    it, `mailer` who carries a brand's mail, `link_key` the key that signs a brand's links of one purpose, None where no
    link was ever made.
    """

    @property
    def database_url(self) -> str: ...

    @property
    def redis_url(self) -> str: ...

    @property
    def directory(self) -> Directory: ...

    @property
    def settings_desk(self) -> SettingsDesk:
        """Return who checks and stores what a brand's own people change in its panel."""
        ...

    @property
    def tenant_ids(self) -> Mapping[str, int]: ...

    @property
    def themes_dir(self) -> Path: ...

    def live_url(self, host: str) -> str: ...

    def link_key(self, purpose: str, slug: str) -> bytes | None: ...

    def signing_key(self, purpose: str, slug: str) -> bytes: ...

    def site_url(self, host: str) -> str: ...

    def mailer(self, tenant_id: int) -> Mailer: ...

    @property
    def trusted_proxies(self) -> str: ...

    @property
    def identity_vault(self) -> Vault: ...

    @property
    def intake(self) -> Intake: ...

    @property
    def secrets(self) -> SecretStore:
        """Return where a brand's own secrets lie: the mail server's password, keys of providers."""
        ...

    @property
    def hashing(self) -> Hashing:
        """Return who hashes passwords; one for the whole process, since it bounds how many at once."""
        ...

    @property
    def lab_door(self) -> LabDoor | None:
        """Return who opens demo accounts at the simulated exchange; None where the installation has none."""
        ...

    def texter(self, slug: str) -> Texter | None:
        """Return who carries a brand's text messages; None where nobody does."""
        ...
