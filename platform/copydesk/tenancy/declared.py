"""Everything that can be said about a brand, as one list: its form, its example file, its reference and its checks.

Made from the keys of the tenant file (`schema`) and from the declared settings that a brand may override.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from copydesk.kernel import NotFound, Setting, SettingRegistry, registry
from copydesk.tenancy.kinds import BOUNDS, KIND, PANEL, SENSITIVE, UNIT, Kind
from copydesk.tenancy.schema import TenantConfig
from copydesk.tenancy.values import closest

__all__ = ["Declared", "Kind", "declared", "declared_of", "override_key"]

GENERAL = "general"


@dataclass(frozen=True)
class Declared:
    """One key: what it is, what it takes, and who may change it.

    `many` is a list of the kind. A key below a list or map of maps (`exchanges[].venue`, `markets.*.on`) is changed
    together with it: `whole` names the key that an override replaces. `default` is None for a required key and for one
    that may be left out. `installation` says that `config/defaults.yaml` may set it too.
    """

    key: str
    kind: Kind
    help: str
    section: str
    title: str = ""
    default: object = None
    required: bool = False
    choices: tuple[object, ...] = ()
    minimum: object = None
    maximum: object = None
    unit: str = ""
    sensitive: bool = False
    panel: bool = True
    many: bool = False
    installation: bool = False

    @property
    def whole(self) -> str:
        return self.key.partition("[]")[0].partition(".*")[0]


def declared(settings: SettingRegistry = registry) -> tuple[Declared, ...]:
    """List every key of a brand: the file's own in their order, then the settings in alphabetical order."""
    return tuple(_by_key(settings, len(settings)).values())


def declared_of(key: str, settings: SettingRegistry = registry) -> Declared:
    """Return the declaration of a key; raises `NotFound` naming the closest one."""
    known = _by_key(settings, len(settings))
    if key not in known:
        near = closest(key, known)
        raise NotFound(f"there is no setting {key}" + (f"; did you mean {near}?" if near else ""))
    return known[key]


def override_key(key: str, settings: SettingRegistry = registry) -> Declared | None:
    """Return the declaration of a key that an override may replace; None for unknown ones, and for parts of a list."""
    known = _by_key(settings, len(settings)).get(key)
    replaceable = known is not None and known.whole == key and not _is_map_of_keys(key)
    return known if replaceable else None


@lru_cache(maxsize=4)
def _by_key(settings: SettingRegistry, _size: int) -> Mapping[str, Declared]:
    """Index the list; a registry only ever grows, so that its size tells whether it is the same."""
    own = (_of_setting(setting) for setting in settings if setting.scope == "tenant")
    return {one.key: one for one in (*_shape(), *own)}


@lru_cache(maxsize=1)
def _shape() -> tuple[Declared, ...]:
    return tuple(_of_model(TenantConfig, "", _Marks()))


def _is_map_of_keys(key: str) -> bool:
    """Tell whether a key is a map whose own keys are declared (`brand`), which is never replaced as a whole."""
    return any(one.key.startswith(f"{key}.") and not one.key.startswith(f"{key}.*") for one in _shape())


@dataclass(frozen=True)
class _Marks:
    """What a key inherits from the one around it."""

    sensitive: bool = False
    panel: bool = True


def _of_model(model: type[BaseModel], prefix: str, above: _Marks) -> Iterator[Declared]:
    for name, field in model.model_fields.items():
        one = _of_field(prefix + (field.alias or name), field, above)
        yield one
        marks = _Marks(one.sensitive, one.panel)
        inner = _inner_model(field.annotation)
        if inner is not None:
            yield from _of_model(inner, one.key + _joint(field.annotation), marks)


def _of_field(key: str, field: FieldInfo, above: _Marks) -> Declared:
    marks: Mapping[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    low, high = marks[BOUNDS] or _bounds(field)
    kind = Kind(marks[KIND])
    return Declared(
        key=key,
        kind=kind,
        help=field.description or "",
        section=key.partition(".")[0].partition("[")[0] if "." in key or kind in (Kind.LIST, Kind.MAPPING) else GENERAL,
        title=field.title or "",
        default=None if field.is_required() else _plain(field.get_default(call_default_factory=True)),
        required=field.is_required(),
        choices=tuple(_choices(field.annotation)),
        minimum=low,
        maximum=high,
        unit=str(marks[UNIT]),
        sensitive=bool(marks[SENSITIVE]) or above.sensitive,
        panel=bool(marks[PANEL]) and above.panel,
        many=kind not in (Kind.LIST, Kind.LINES) and _is_list(field.annotation),
    )


def _of_setting(setting: Setting) -> Declared:
    listed = isinstance(setting.default, list)
    return Declared(
        key=setting.key,
        kind=_kind_of(setting),
        help=setting.help,
        section=setting.key.partition(".")[0],
        title=setting.key.rpartition(".")[2].replace("_", " ").capitalize(),
        default=setting.default,
        choices=setting.choices,
        minimum=setting.minimum,
        maximum=setting.maximum,
        unit=setting.unit,
        sensitive=setting.sensitive,
        panel=setting.panel,
        many=listed and bool(setting.choices),
        installation=True,
    )


def _kind_of(setting: Setting) -> Kind:
    if setting.choices:
        return Kind.CHOICE
    kinds = {bool: Kind.SWITCH, int: Kind.WHOLE, Decimal: Kind.NUMBER, str: Kind.TEXT, list: Kind.LINES}
    return kinds[type(setting.default)]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner_model(one) for one in get_args(annotation))
    return next((one for one in found if one is not None), None)


def _joint(annotation: Any) -> str:
    """Return what stands between a key and those below it: one level of `*` for each map of the brand's own names."""
    if get_origin(annotation) is tuple:
        return "[]."
    if get_origin(annotation) is dict:
        return ".*" + _joint(get_args(annotation)[1])
    return "."


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple


def _choices(annotation: Any) -> Iterator[object]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (one.value for one in annotation)
    elif get_origin(annotation) is Union or type(None) in get_args(annotation):
        for one in get_args(annotation):
            yield from _choices(one)


def _bounds(field: FieldInfo) -> tuple[object, object]:
    found = {name: getattr(mark, name) for mark in field.metadata for name in ("ge", "le") if hasattr(mark, name)}
    return found.get("ge"), found.get("le")


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
