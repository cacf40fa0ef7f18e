"""Everything that packs and unpacks a brand, joined."""

from __future__ import annotations

from functools import partial

from copydesk.bootstrap.keyroom import keyroom
from copydesk.bootstrap.runtime import Runtime
from copydesk.parcel import Depot
from copydesk.tenancy import load_tenant


def depot(runtime: Runtime, owner_url: str = "") -> Depot:
    """Return this installation as a parcel needs it; `owner_url` is the database as the schema's owner."""
    places = runtime.places
    return Depot(
        room=keyroom(runtime),
        intake=runtime.intake,
        notary=runtime.notary,
        tenants=places.tenants,
        audit=places.var / "audit" / "arrived",
        load=partial(
            load_tenant, defaults=runtime.directory.defaults, themes_dir=places.themes, settings=runtime.settings
        ),
        brands=runtime.directory.all,
        desk=runtime.settings_desk,
        owner_url=owner_url,
    )
