"""What packing and unpacking need of an installation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from copydesk.audit.notary import Notary
from copydesk.parcel.cipher import WORK, Work
from copydesk.tenancy import Overrides, SettingsDesk, Tenant, TenantError
from copydesk.vault import IntakePublic
from copydesk.vault.turns import Keyroom


class Load(Protocol):
    """Read a brand's file, under what its panel has set, as this installation would."""

    def __call__(self, path: Path, *, overrides: Overrides) -> Tenant | list[TenantError]: ...


@dataclass(frozen=True)
class Depot:
    """An installation with both keys in hand: only the operator's command line has one.

    `owner_url` is the database as the schema's owner, who alone may take lines off a record or move a sequence; packing
    needs none. `load` reads a brand's file, `brands` are those that are served, `desk` changes what panels have set.
    `audit` is where records of brands that arrived are kept as they came.
    """

    room: Keyroom
    intake: IntakePublic
    notary: Notary
    tenants: Path
    audit: Path
    load: Load
    brands: Callable[[], Iterable[Tenant]]
    desk: SettingsDesk
    owner_url: str = ""
    work: Work = WORK
