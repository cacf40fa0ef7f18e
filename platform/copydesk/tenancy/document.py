"""Reads one YAML file into plain values that remember their lines.

A narrow YAML: only `true` and `false` are booleans (the locale `no` stays text), numbers with a point are
exact decimals, and aliases, tags and duplicate keys are errors. Source: YAML 1.2.2, core schema, chapter 10.3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import yaml

Where = tuple[str | int, ...]
SIZE_MAX = 256 * 1024
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the file as YAML."""

    where: Where
    line: int
    expected: str
    found: str
    column: int = 0


@dataclass(frozen=True)
class Document:
    """A file's values and the line of each. `readable` is false when there are no values to look at.

    `digest` stands for the file's text.
    """

    data: object
    lines: Mapping[Where, int]
    problems: tuple[Problem, ...] = ()
    readable: bool = True
    digest: str = ""

    def line_of(self, where: Where) -> int:
        """Return the line of the value, or of the nearest value around it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.lines:
                return self.lines[where[:length]]
        return 1


class _NarrowLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - declared by PyYAML, emptied so that only ours apply


for _kind, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]{1,18}$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})$", "-+.0123456789"),
):
    _NarrowLoader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), list(_first))

_SCALARS: dict[str, Callable[[str], object]] = {
    _TAG + "str": str,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "null": lambda _: None,
    _TAG + "int": int,
    _TAG + "float": Decimal,
}


def read_document(path: Path) -> Document:
    """Read a YAML file; what is wrong with it comes back as problems, never as an exception."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return _unreadable("a readable file", (error.strerror or "an unreadable file").lower())
    if len(raw) > SIZE_MAX:
        return _unreadable(f"at most {SIZE_MAX // 1024} KiB", f"{len(raw) // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unreadable("UTF-8 text", "other bytes", line=raw.count(b"\n", 0, error.start) + 1)
    return told_document(text)


def told_document(text: str) -> Document:
    """Read what a file said, with the digest of its text."""
    return replace(parse_document(text), digest=digest_of(text))


def digest_of(text: str) -> str:
    """Return the SHA-256 that stands for a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse_document(text: str) -> Document:
    """Read YAML text as `read_document` does."""
    try:
        node = yaml.compose(text, Loader=_NarrowLoader)
        return _Walk().document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 0)
        expected, _, found = (error.problem or "").removeprefix("expected ").partition(", but got ")
        if not found:
            expected, found = "well-formed YAML", error.problem or "something else"
        return _unreadable(expected, found, line=line, column=column)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unreadable("printable text", "a control character", line=line)
    except RecursionError:
        return _unreadable("a few levels of nesting", "hundreds")


def _unreadable(expected: str, found: str, *, line: int = 1, column: int = 0) -> Document:
    return Document(None, {}, (Problem((), line, expected, found, column),), readable=False)


class _Walk:
    """Turn the node tree into values, noting lines and problems on the way."""

    def __init__(self) -> None:
        self.lines: dict[Where, int] = {}
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def document(self, node: yaml.Node | None) -> Document:
        data = None if node is None else self.value(node, ())
        return Document(data, self.lines, tuple(self.problems))

    def value(self, node: yaml.Node, where: Where) -> object:
        line = node.start_mark.line + 1
        self.lines.setdefault(where, line)
        if id(node) in self.seen:
            return self.problem(where, line, "the value written out", "an alias (*)")
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self.mapping(node, where)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, (*where, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            return self.scalar(node, where, line)
        return self.problem(where, line, "a plain value", f"the tag {node.tag.replace(_TAG, '!!')}")

    def scalar(self, node: yaml.ScalarNode, where: Where, line: int) -> object:
        try:
            return _SCALARS[node.tag](node.value)
        except (ValueError, ArithmeticError):
            return self.problem(where, line, "a plain value", f"the tag {node.tag.replace(_TAG, '!!')}")

    def mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(where, line, "a key of plain text", "a nested value as key")
                continue
            key = str(key_node.value)
            here = (*where, key)
            if key in result:
                self.problem(here, line, "the key once", f"it again (first on line {self.lines[here]})")
                continue
            self.lines[here] = line
            result[key] = self.value(value_node, here)
        return result

    def problem(self, where: Where, line: int, expected: str, found: str) -> object:
        self.problems.append(Problem(where, line, expected, found))
        return None
