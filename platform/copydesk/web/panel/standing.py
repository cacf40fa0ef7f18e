"""What holds for a brand now, key by key, and which layer said so."""

from __future__ import annotations

from dataclasses import dataclass

from copydesk.kernel import registry
from copydesk.tenancy import Layer, Tenant
from copydesk.tenancy.weighing import effective


@dataclass(frozen=True)
class Standing:
    """One key's value with the layer that decided it; `line` is 0 where no file names the key."""

    value: object
    layer: Layer
    line: int = 0

    @property
    def overridden(self) -> bool:
        return self.layer is Layer.PANEL


def standing_of(tenant: Tenant, key: str) -> Standing:
    """Return what holds for a key, as the YAML would give it, and where it comes from."""
    line = tenant.cascade.tenant.lines.get(key, 0)
    if key in tenant.overrides.values:
        return Standing(value_of(tenant, key), Layer.PANEL, line)
    if key in registry and key in tenant.cascade.defaults.values and key not in tenant.cascade.tenant.values:
        return Standing(value_of(tenant, key), Layer.INSTALLATION)
    return Standing(value_of(tenant, key), Layer.TENANT if line else Layer.CODE, line)


def value_of(tenant: Tenant, key: str) -> object:
    """Return a key's value: texts, numbers, switches, lists and maps, whichever it is."""
    return effective(tenant, key)
