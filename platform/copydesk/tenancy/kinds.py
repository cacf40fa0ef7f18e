"""What kinds of values there are, and the marks that a key of the tenant file carries. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field
from pydantic_core import PydanticUndefined

SENSITIVE, PANEL, UNIT, KIND, BOUNDS = "sensitive", "panel", "unit", "kind", "bounds"


class Kind(StrEnum):
    """What a value is, and so what a form asks for.

    `LINES` is a list of texts, one a line; `LIST` is a list of maps, whose keys are declared as `list[].key`; `MAPPING`
    is a map from names that the brand chooses, declared as `map.*.key` below it. A list of anything else has the kind
    of its entries and says `many`.
    """

    TEXT = "text"
    LINES = "lines"
    WHOLE = "whole number"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    LIST = "list"
    COLOR = "color"
    FILE = "file"
    HOST = "host"
    LOCALE = "locale"
    TIME_ZONE = "time zone"
    SECRET = "secret"  # noqa: S105 - the name of a kind, not a password
    MAPPING = "mapping"


def key(
    title: str,
    means: str,
    kind: Kind,
    *,
    default: Any = PydanticUndefined,
    sensitive: bool = False,
    panel: bool = True,
    unit: str = "",
    bounds: tuple[int, int] | None = None,
    **rest: Any,
) -> Any:
    """Declare one key of the tenant file: what it is called, what it means, what it is; `rest` goes to pydantic.

    `bounds` are told to forms where the type itself holds the value to them.
    """
    marks: dict[str, Any] = {KIND: str(kind), SENSITIVE: sensitive, PANEL: panel, UNIT: unit, BOUNDS: bounds}
    return Field(default, title=title, description=means, json_schema_extra=marks, **rest)
