"""Reads one brand's file: YAML, then shape, then settings, with every error at once."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from copydesk.kernel import SettingRegistry, registry
from copydesk.tenancy.document import Document, Where, read_document, told_document
from copydesk.tenancy.model import Cascade, LayerValues, Overrides, Tenant, TenantError
from copydesk.tenancy.overlay import overlaid, overriding
from copydesk.tenancy.report import setting_sections, shape_error
from copydesk.tenancy.schema import SCHEMA_VERSION, Surroundings, TenantConfig
from copydesk.tenancy.upgrade import upgraded
from copydesk.tenancy.values import Reading, dotted, read_settings, shown

TENANT_FILE = "tenant.yaml"
# Folders that begin so hold no brand: the example, and what editors and tools put there.
UNSERVED = ("_", ".")
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,30}\Z")


def tenant_files(tenants_dir: Path) -> list[Path]:
    """Return the file of every brand of an installation, in alphabetical order."""
    found = tenants_dir.glob(f"*/{TENANT_FILE}")
    return sorted(path for path in found if not path.parent.name.startswith(UNSERVED))


def load_tenant(
    path: Path,
    *,
    defaults: LayerValues | None = None,
    themes_dir: Path | None = None,
    settings: SettingRegistry = registry,
    overrides: Overrides | None = None,
    text: str | None = None,
) -> Tenant | list[TenantError]:
    """Read `tenants/<slug>/tenant.yaml` under the panel's overrides; returns the brand, or everything wrong with it.

    Themes are looked for in `themes_dir`, by default the folder `themes` beside the folder `tenants`. A file of an
    older schema is read as what it means today. With `text` that is taken for what the file says.
    """
    source = Source(path, read_document(path) if text is None else told_document(text), overrides or Overrides())
    errors = _file_errors(source)
    if not isinstance(source.document.data, dict):
        return errors
    data = overlaid(upgraded(source.document.data), source.overrides.values)
    behavior = {name: value for name, value in data.items() if name in setting_sections(settings)}
    shape = {name: value for name, value in data.items() if name not in behavior}
    config, shape_errors = _config(source, shape, surroundings(path, themes_dir), settings)
    above = defaults or LayerValues("")
    reading = read_settings(behavior, settings, scope="tenant", above=above.values, beside=shape)
    errors += shape_errors + [source.error(where, expected, found) for where, expected, found in reading.misfits]
    if config is None or errors:
        return sorted(errors, key=lambda error: (error.line, error.key))
    return source.tenant(config, reading, above)


@dataclass(frozen=True)
class Source:
    """What a brand is read from: its file, and what its panel lays over it."""

    path: Path
    document: Document
    overrides: Overrides

    @property
    def slug(self) -> str:
        return self.path.absolute().parent.name

    def error(self, where: Where, expected: str, found: str) -> TenantError:
        """Say what is wrong with a value at the place that it comes from: a line of the file, or the panel."""
        if overriding(where, self.overrides.values):
            return TenantError(self.overrides.place, 0, dotted(where), expected, found)
        return TenantError(str(self.path), self.document.line_of(where), dotted(where), expected, found)

    def tenant(self, config: TenantConfig, reading: Reading, defaults: LayerValues) -> Tenant:
        """Put the checked values together."""
        file, panel, told = str(self.path), self.overrides.place, self.overrides.values
        mine = {key: value for key, value in reading.values.items() if not overriding(reading.wheres[key], told)}
        said = {key: value for key, value in reading.values.items() if key not in mine}
        lines = {dotted(where): line for where, line in self.document.lines.items() if where}
        own = LayerValues(file, mine, lines, self.document.digest)
        cascade = Cascade(defaults, own, LayerValues(panel, said))
        parts = (own.digest, defaults.digest, self.overrides.hash, str(SCHEMA_VERSION))
        revision_hash = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        return Tenant(self.slug, self.path, config, cascade, self.overrides, revision_hash)


def _file_errors(source: Source) -> list[TenantError]:
    file, document = str(source.path), source.document
    errors = [TenantError(file, p.line, dotted(p.where), p.expected, p.found, p.column) for p in document.problems]
    if not _SLUG.match(source.slug):
        wanted = "a folder name of lower-case letters, digits and hyphens"
        errors.append(TenantError(file, 1, "", wanted, source.slug))
    if document.readable and not isinstance(document.data, dict):
        errors.append(TenantError(file, 1, "", "a map of keys", shown(document.data)))
    return errors


def surroundings(path: Path, themes_dir: Path | None = None) -> Surroundings:
    """Look at what lies beside the tenant file, and at the installed themes."""
    folder = path.absolute().parent
    return Surroundings(
        files=frozenset(_names(folder, os.DirEntry.is_file)),
        themes=frozenset(_names(themes_dir or folder.parent.parent / "themes", os.DirEntry.is_dir)),
    )


def missing_secrets(tenant: Tenant, secret_exists: Callable[[str], bool]) -> list[TenantError]:
    """Report every `secret:` reference that the secret store lacks."""
    return [
        _error(tenant, where, "a stored secret", f"missing secret {name}")
        for where, name in tenant.config.secret_references()
        if not secret_exists(name)
    ]


def host_conflicts(tenant: Tenant, others: Iterable[Tenant]) -> list[TenantError]:
    """Report every host of this brand that another brand serves too."""
    taken = {host: other for other in others for host in other.hosts if other.slug != tenant.slug}
    return [
        _error(
            tenant,
            ("brand", "hosts", index),
            "a host that no other brand serves",
            f"{host}, also in {_host_place(taken[host], host)}",
        )
        for index, host in enumerate(tenant.hosts)
        if host in taken
    ]


def _host_place(tenant: Tenant, host: str) -> str:
    if "brand.hosts" in tenant.overrides.values:
        return f"{tenant.overrides.place} of {tenant.slug}"
    return _error(tenant, ("brand", "hosts", tenant.hosts.index(host)), "", "").place


def _error(tenant: Tenant, where: Where, expected: str, found: str) -> TenantError:
    if overriding(where, tenant.overrides.values):
        return TenantError(tenant.overrides.place, 0, dotted(where), expected, found)
    line = tenant.cascade.tenant.lines.get(dotted(where), 1)
    return TenantError(str(tenant.path), line, dotted(where), expected, found)


def _config(
    source: Source, shape: dict[str, object], around: Surroundings, settings: SettingRegistry
) -> tuple[TenantConfig | None, list[TenantError]]:
    try:
        return TenantConfig.model_validate(shape, context=around), []
    except ValidationError as error:
        # A list whose only entry is wrong also counts as empty to the library; the entry's own error says it better.
        details = [d for d in error.errors(include_url=False) if d["type"] != "too_short" or not d["input"]]
        return None, [source.error(*shape_error(detail, settings)) for detail in details]


def _names(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if wanted(entry)]
    except OSError:
        return []
