"""Writes YAML values, and changes values of a YAML text in place, so that comments around them stay. Pure.

Whatever cannot be changed in place is written anew as a whole: `with_values` returns a text that reads as it should,
or none at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from copydesk.kernel import InvalidInput, decimal_text
from copydesk.tenancy.document import parse_document

_INDENT = 2
_WIDTH = 116
# Texts that no reader of YAML takes for something else; everything else stands in quotes.
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_./]|[A-Za-z]")
_RESERVED = re.compile(r"true|false|null|yes|no|on|off|y|n", re.IGNORECASE)


def written(value: object) -> str:
    """Write a value on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return decimal_text(value) if value % 1 else f"{decimal_text(value)}.0"
        case int():
            return str(value)
        case Mapping():
            return "{" + ", ".join(f"{_key(str(name))}: {written(inner)}" for name, inner in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(written, value)) + "]"
        case _:
            return _word(str(value))


def block(key: str, value: object, *, indent: int = 0) -> str:
    """Write a key with its value, over several lines where it holds maps or is long; ends with a line break."""
    margin = " " * indent
    line = f"{margin}{_key(key)}: {written(value)}\n"
    if not _tall(value, len(line)):
        return line
    head = f"{margin}{_key(key)}:\n"
    if isinstance(value, Mapping):
        return head + "".join(block(str(name), inner, indent=indent + _INDENT) for name, inner in value.items())
    assert isinstance(value, list | tuple)
    return head + "".join(_item(item, indent + _INDENT) for item in value)


def with_values(text: str, changes: Mapping[str, object]) -> str:
    """Return the text with these dotted keys set; a value that is a map or a list is replaced whole.

    Comments inside a replaced value are lost, all others stay; a text that is no map is written anew.
    """
    wanted = _changed(_data(text), changes)
    edited = text if text.endswith("\n") or not text else f"{text}\n"
    for key, value in changes.items():
        edited = _set(edited, key.split("."), value)
    if _reads_as(edited, wanted):
        return edited
    return "".join(block(str(name), value) for name, value in wanted.items())


@dataclass(frozen=True)
class _Span:
    """Where a value stands in a text; `column` is that of the keys of a map."""

    node: yaml.Node
    start: int
    end: int


def _set(text: str, path: Sequence[str], value: object) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node, depth, key_node = root, 0, None
    while depth < len(path):
        found = _child(node, path[depth])
        if found is None:
            break
        key_node, node = found
        depth += 1
    if depth == len(path) and key_node is not None and node is not None:
        return _replaced(text, key_node, _Span(node, node.start_mark.index, _end(node)), path[-1], value)
    return _added(text, node, key_node, path[depth:], value)


def _replaced(text: str, key_node: yaml.Node, span: _Span, name: str, value: object) -> str:
    column = key_node.start_mark.column
    fresh = block(name, value, indent=column)
    tall = fresh.count("\n") > 1
    if not tall and (isinstance(span.node, yaml.ScalarNode) or getattr(span.node, "flow_style", False)):
        return text[: span.start] + written(value) + text[span.end :]
    start, end = key_node.start_mark.index - column, _line_end(text, span.end)
    if text[start : key_node.start_mark.index].strip():  # The first key of a list's item stands behind its dash.
        return text[: span.start] + written(value) + text[span.end :]
    return text[:start] + fresh + text[end:]


def _added(text: str, node: yaml.Node | None, key_node: yaml.Node | None, path: Sequence[str], value: object) -> str:
    nested: object = value
    for name in reversed(path[1:]):
        nested = {name: nested}
    if isinstance(node, yaml.MappingNode) and node.value:
        if node.flow_style:
            end = _end(node) - 1
            return f"{text[:end].rstrip()}, {_key(path[0])}: {written(nested)}{text[end:]}"
        column = node.value[0][0].start_mark.column
        end = _line_end(text, _end(node))
        gap = "\n" if key_node is None and isinstance(nested, Mapping) else ""
        return text[:end] + gap + block(path[0], nested, indent=column) + text[end:]
    if node is None or key_node is None:
        return text + block(path[0], nested)
    whole = _Span(node, node.start_mark.index, _end(node))
    return _replaced(text, key_node, whole, str(key_node.value), {path[0]: nested})


def _child(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, inner) for key, inner in node.value if str(key.value) == name), None)


def _end(node: yaml.Node) -> int:
    """Return where a value really ends: a block map's own mark lies after the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """Return the place after the line break at or behind the index."""
    if index and text[index - 1] == "\n":
        return index
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _changed(data: object, changes: Mapping[str, object]) -> dict[str, Any]:
    result: dict[str, Any] = dict(data) if isinstance(data, dict) else {}
    for key, value in changes.items():
        *parents, last = key.split(".")
        inner = result
        for name in parents:
            below = inner.get(name)
            inner[name] = dict(below) if isinstance(below, dict) else {}
            inner = inner[name]
        inner[last] = value
    return result


def _reads_as(text: str, wanted: object) -> bool:
    document = parse_document(text)
    return not document.problems and _plain(document.data) == _plain(wanted)


def _data(text: str) -> object:
    """Read a text as brands' files are read; raises InvalidInput where it is no YAML."""
    document = parse_document(text)
    if document.problems:
        first = document.problems[0]
        raise InvalidInput(f"line {first.line}: expected {first.expected}, found {first.found}")
    return document.data


def _plain(value: object) -> object:
    """Make values comparable: 1, true and 1.0 are three things."""
    match value:
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case str():
            return (str(value),)
        case _:
            return written(value)


def _word(text: str) -> str:
    if _BARE.fullmatch(text) and not _RESERVED.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _key(text: str) -> str:
    """Write a key; our files take `on` for a word, as YAML 1.2 does."""
    return text if _BARE.fullmatch(text) else _word(text)


def _tall(value: object, length: int) -> bool:
    """Tell whether a value wants lines of its own; an empty one never does."""
    if not isinstance(value, Mapping | list | tuple) or not value:
        return False
    inner = value.values() if isinstance(value, Mapping) else value
    return (
        length > _WIDTH or isinstance(value, Mapping) or any(isinstance(one, Mapping | list | tuple) for one in inner)
    )


def _item(value: object, indent: int) -> str:
    margin = " " * indent
    if not isinstance(value, Mapping) or not value:
        return f"{margin}- {written(value)}\n"
    inner = "".join(block(str(name), item, indent=indent + _INDENT) for name, item in value.items())
    return f"{margin}- {inner[indent + _INDENT :]}"


def same_values(left: str, right: str) -> bool:
    """Tell whether two texts say the same, whatever their comments and their order; raises InvalidInput for no YAML."""
    return _plain(_data(left)) == _plain(_data(right))
