"""A brand for the doctor to look at, without any server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from copydesk.bootstrap import declared_settings
from copydesk.doctor import Case
from copydesk.kernel import utc_now
from copydesk.tenancy import LayerValues, Tenant, load_tenant

PROJECT = Path(__file__).parents[3]


class Drawer:
    """The secret store in memory."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def get(self, _slug: str, name: str) -> str | None:
        return self.values.get(name)

    def names(self, _slug: str) -> tuple[str, ...]:
        return tuple(self.values)


class Room:
    """As much of a key room as holds secrets."""

    def __init__(self, values: dict[str, str]) -> None:
        self.secrets = Drawer(values)


def brand(**config: object) -> Tenant:
    """Return aurora with other values of its file's keys; `hosts` are the brand's."""
    loaded = load_tenant(PROJECT / "tenants" / "aurora" / "tenant.yaml", settings=declared_settings())
    assert isinstance(loaded, Tenant), loaded
    hosts = config.pop("hosts", None)
    if hosts is not None:
        config["brand"] = loaded.config.brand.model_copy(update={"hosts": hosts})
    return _with(loaded, config)


def _with(tenant: Tenant, config: dict[str, object]) -> Tenant:
    return replace(tenant, config=tenant.config.model_copy(update=config))


def case(tenant: Tenant | None = None, *, secrets: dict[str, str] | None = None, **given: Any) -> Case:
    """Return a case of which a check is given only what it asks for."""
    nothing = cast(Any, None)
    usual = {
        "redis": nothing,
        "notary": nothing,
        "var": Path("var"),
        "database_url": "",
        "defaults": LayerValues(""),
        "urls": nothing,
        "now": utc_now(),
    }
    return Case(tenant=tenant or brand(), tenant_id=1, room=cast(Any, Room(secrets or {})), **(usual | given))
