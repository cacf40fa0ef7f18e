"""Translates the schema library's errors into sentences; secrets are never quoted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from copydesk.kernel import SettingRegistry
from copydesk.tenancy.document import Where
from copydesk.tenancy.fields import MISFIT, SECRET
from copydesk.tenancy.schema import TenantConfig
from copydesk.tenancy.values import shown, unknown_key


def setting_sections(settings: SettingRegistry) -> frozenset[str]:
    """Return the top-level keys of a tenant file that hold declared settings."""
    return settings.sections.difference(_top_level_keys())


def _top_level_keys() -> list[str]:
    return [field.alias or name for name, field in TenantConfig.model_fields.items()]


def shape_error(error: Mapping[str, Any], settings: SettingRegistry) -> tuple[Where, str, str]:
    """Turn one pydantic error into ours: which key, what was expected and what is there."""
    where: Where = tuple(part for part in error["loc"] if part != "[key]")
    expected, found = _EXPLAIN.get(error["type"], _plain_error)(error)
    if error["type"] == "extra_forbidden":
        known = _known_beside(where, settings)
        expected, found = unknown_key(str(where[-1]), known), f"the unknown key {where[-1]}"
    return where, expected, found


def _plain_error(error: Mapping[str, Any]) -> tuple[str, str]:
    return str(error["msg"]).removeprefix("Input should be "), shown(error["input"])


_EXPLAIN: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "missing": lambda _: ("a value (the key is required)", "nothing"),
    "model_type": lambda error: ("a map of keys", _kind(error["input"])),
    "dict_type": lambda error: ("a map of keys", _kind(error["input"])),
    "tuple_type": lambda error: ("a list", _kind(error["input"])),
    "bool_type": lambda error: ("true or false", shown(error["input"])),
    "string_type": lambda error: ("text", shown(error["input"])),
    "int_type": lambda error: ("a whole number", shown(error["input"])),
    "too_short": lambda error: ("at least one entry", shown(error["input"])),
    MISFIT: lambda error: (error["ctx"]["expected"], error["ctx"]["found"] or shown(error["input"])),
    SECRET: lambda error: (str(error["msg"]), _secret_kind(error["input"])),
}


def _kind(value: object) -> str:
    return "text" if isinstance(value, str) else shown(value)


def _secret_kind(value: object) -> str:
    if value is None:
        return "nothing"
    return "a malformed secret: reference" if str(value).startswith("secret:") else "a value in plain text (not shown)"


def _known_beside(where: Where, settings: SettingRegistry) -> list[str]:
    if len(where) == 1:
        return [*_top_level_keys(), *setting_sections(settings)]
    model: Any = TenantConfig
    for part in where[:-1]:
        if isinstance(part, str):
            model = _model_of(model, part)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_of(model: Any, name: str) -> Any:
    """Find the model behind a field, looking through list and None."""
    for key, field in model.model_fields.items():
        if (field.alias or key) == name:
            return _first_model(field.annotation)
    return None


def _first_model(annotation: Any) -> Any:
    if hasattr(annotation, "model_fields"):
        return annotation
    inner = (_first_model(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)
