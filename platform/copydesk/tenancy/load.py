"""Reads one brand's file: YAML, then shape, then settings, with every error at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from copydesk.kernel import SettingRegistry, registry
from copydesk.tenancy.cascade import layer_values, misfit_errors
from copydesk.tenancy.document import Document, read_document
from copydesk.tenancy.model import Cascade, LayerValues, Tenant, TenantError
from copydesk.tenancy.report import setting_sections, shape_error
from copydesk.tenancy.schema import Surroundings, TenantConfig
from copydesk.tenancy.values import dotted, read_settings, shown

TENANT_FILE = "tenant.yaml"
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,30}\Z")


def load_tenant(
    path: Path,
    *,
    defaults: LayerValues | None = None,
    themes_dir: Path | None = None,
    settings: SettingRegistry = registry,
) -> Tenant | list[TenantError]:
    """Read `tenants/<slug>/tenant.yaml`; the result is the brand, or everything that is wrong with it.

    Themes are looked for in `themes_dir`, by default the folder `themes` beside the folder `tenants`.
    """
    file = str(path)
    document = read_document(path)
    errors = [TenantError(file, p.line, dotted(p.where), p.expected, p.found, p.column) for p in document.problems]
    slug = path.absolute().parent.name
    if not _SLUG.match(slug):
        errors.append(TenantError(file, 1, "", "a folder name of lower-case letters, digits and hyphens", slug))
    if not document.readable:
        return errors
    if not isinstance(document.data, dict):
        return [*errors, TenantError(file, 1, "", "a map of keys", shown(document.data))]
    data = document.data
    behavior = {name: value for name, value in data.items() if name in setting_sections(settings)}
    shape = {name: value for name, value in data.items() if name not in behavior}
    config, shape_errors = _config(file, document, shape, surroundings(path, themes_dir), settings)
    above = defaults.values if defaults else {}
    reading = read_settings(behavior, settings, scope="tenant", above=above, beside=shape)
    errors += shape_errors + misfit_errors(file, document, reading)
    if config is None or errors:
        return sorted(errors, key=lambda error: (error.line, error.key))
    own = layer_values(file, document, reading)
    every_line = {dotted(where): line for where, line in document.lines.items() if where}
    own = LayerValues(file, own.values, every_line)
    return Tenant(slug, path, config, Cascade(defaults or LayerValues(""), own))


def surroundings(path: Path, themes_dir: Path | None = None) -> Surroundings:
    """Look at what lies beside the tenant file, and at the installed themes."""
    folder = path.absolute().parent
    return Surroundings(
        files=frozenset(_names(folder, Path.is_file)),
        themes=frozenset(_names(themes_dir or folder.parent.parent / "themes", Path.is_dir)),
    )


def missing_secrets(tenant: Tenant, secret_exists: Callable[[str], bool]) -> list[TenantError]:
    """Report every `secret:` reference that the secret store lacks."""
    lines = tenant.cascade.tenant.lines
    return [
        TenantError(
            str(tenant.path), lines.get(dotted(where), 1), dotted(where), "a stored secret", f"missing secret {name}"
        )
        for where, name in tenant.config.secret_references()
        if not secret_exists(name)
    ]


def host_conflicts(tenant: Tenant, others: Iterable[Tenant]) -> list[TenantError]:
    """Report every host of this brand that another brand serves too."""
    taken = {host: other for other in others for host in other.hosts if other.slug != tenant.slug}
    lines = tenant.cascade.tenant.lines
    return [
        TenantError(
            str(tenant.path),
            lines.get(f"brand.hosts.{index}", 1),
            f"brand.hosts.{index}",
            "a host that no other brand serves",
            f"{host}, also in {taken[host].path}:{_host_line(taken[host], host)}",
        )
        for index, host in enumerate(tenant.hosts)
        if host in taken
    ]


def _host_line(tenant: Tenant, host: str) -> int:
    return tenant.cascade.tenant.lines.get(f"brand.hosts.{tenant.hosts.index(host)}", 1)


def _config(
    file: str,
    document: Document,
    shape: dict[str, object],
    around: Surroundings,
    settings: SettingRegistry,
) -> tuple[TenantConfig | None, list[TenantError]]:
    try:
        return TenantConfig.model_validate(shape, context=around), []
    except ValidationError as error:
        # A list whose only entry is wrong also counts as empty to the library; the entry's own error says it better.
        details = [d for d in error.errors(include_url=False) if d["type"] != "too_short" or not d["input"]]
        return None, [shape_error(file, document, detail, settings) for detail in details]


def _names(folder: Path, wanted: Callable[[Path], bool]) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if wanted(entry)]
    except OSError:
        return []
