"""Decides which layer a value comes from: code default < config/defaults.yaml < the brand's file < its panel."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, overload

from copydesk.kernel import ConfigError, NotFound, Setting, SettingRegistry, registry
from copydesk.tenancy.declared import declared
from copydesk.tenancy.document import Document, read_document
from copydesk.tenancy.model import Explained, Layer, LayerValues, Overrides, Tenant, TenantError
from copydesk.tenancy.overlay import overriding
from copydesk.tenancy.values import Reading, SettingValue, closest, dotted, plain, read_settings

_T = TypeVar("_T", str, int, bool, Decimal, list[str])


def load_defaults(path: Path, settings: SettingRegistry = registry) -> LayerValues:
    """Read `config/defaults.yaml`; raise one `ConfigError` that names every wrong line."""
    document = read_document(path)
    errors = [TenantError(str(path), p.line, dotted(p.where), p.expected, p.found, p.column) for p in document.problems]
    if document.data is not None and not isinstance(document.data, dict):
        errors.append(TenantError(str(path), 1, "", "a map of settings", "something else"))
    data = document.data if isinstance(document.data, dict) else {}
    reading = read_settings(data, settings, scope="installation")
    errors += misfit_errors(str(path), document, reading)
    if errors:
        raise ConfigError("; ".join(str(error) for error in errors))
    return layer_values(str(path), document, reading)


def misfit_errors(file: str, document: Document, reading: Reading) -> list[TenantError]:
    return [
        TenantError(file, document.line_of(where), dotted(where), expected, found)
        for where, expected, found in reading.misfits
    ]


def layer_values(file: str, document: Document, reading: Reading) -> LayerValues:
    lines = {key: document.line_of(where) for key, where in reading.wheres.items()}
    return LayerValues(file, reading.values, lines, document.digest)


@overload
def setting_value(tenant: Tenant, setting: Setting) -> SettingValue: ...
@overload
def setting_value(tenant: Tenant, setting: Setting, kind: type[_T]) -> _T: ...
def setting_value(tenant: Tenant, setting: Setting, kind: type[_T] | None = None) -> SettingValue | _T:
    """Return the value that holds for this brand; `kind` states the declared type for the type checker."""
    return _typed(_decided(tenant, setting)[0], kind)


@overload
def installation_value(defaults: LayerValues, setting: Setting) -> SettingValue: ...
@overload
def installation_value(defaults: LayerValues, setting: Setting, kind: type[_T]) -> _T: ...
def installation_value(defaults: LayerValues, setting: Setting, kind: type[_T] | None = None) -> SettingValue | _T:
    """Return the value that holds for the whole installation, above any brand."""
    return _typed(defaults.values.get(setting.key, setting.default), kind)


def explain(tenant: Tenant, key: str, settings: SettingRegistry = registry) -> Explained:
    """Say what a key's value is and which layer decided it; raise `NotFound` with the closest key."""
    if key in settings:
        decided = _decided(tenant, settings[key])
        return Explained(key, *decided, settings[key].help)
    shape = dict(_shape(_dump(tenant), ""))
    known = {one.key: one.help for one in declared(settings)}
    if key not in shape and key not in known:
        near = closest(key, [*(setting.key for setting in settings), *shape])
        hint = f"; did you mean {near}?" if near else ""
        raise NotFound(f"there is no setting {key}{hint}", code="unknown_setting")
    value = shape[key] if key in shape else shape_value(tenant, key)
    by_panel = overriding(tuple(key.split(".")), tenant.overrides.values)
    if by_panel:
        return Explained(key, value, Layer.PANEL, _panel_source(tenant.overrides, by_panel), known.get(key, ""))
    line = tenant.cascade.tenant.lines.get(key)
    layer, source = (Layer.TENANT, f"{tenant.path}:{line}") if line else (Layer.CODE, "declared in code")
    return Explained(key, value, layer, source, known.get(key, ""))


def shape_value(tenant: Tenant, key: str) -> object:
    """Return the value of one of the file's own keys, as YAML would give it; None where nothing stands."""
    value = _dump(tenant)
    for name in key.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _dump(tenant: Tenant) -> Any:
    return plain(tenant.config.model_dump(mode="python", by_alias=True))


def _panel_source(overrides: Overrides, key: str) -> str:
    origin = overrides.origins.get(key)
    if origin is None:
        return overrides.place
    return f"panel revision {origin.revision} by {origin.author}, {origin.at:%Y-%m-%d %H:%M:%S} UTC"


def _typed(value: SettingValue, kind: type[_T] | None) -> SettingValue | _T:
    assert kind is None or type(value) is kind, f"setting declared as {type(value)}, read as {kind}"
    return value


def _decided(tenant: Tenant, setting: Setting) -> tuple[SettingValue, Layer, str]:
    if setting.key in tenant.cascade.panel.values:
        return tenant.cascade.panel.values[setting.key], Layer.PANEL, _panel_source(tenant.overrides, setting.key)
    for layer, said in ((Layer.TENANT, tenant.cascade.tenant), (Layer.INSTALLATION, tenant.cascade.defaults)):
        if setting.key in said.values:
            return said.values[setting.key], layer, f"{said.file}:{said.lines[setting.key]}"
    return setting.default, Layer.CODE, "declared in code"


def _shape(value: object, prefix: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _shape(inner, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _shape(item, f"{prefix}.{index}")
    else:
        yield prefix, value
