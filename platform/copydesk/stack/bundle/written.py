"""How the files of a deployment are written: the same bytes from the same values, with what they are on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    """Write everything out: no anchors, lists under their key, texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - likewise
        return super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Plain.add_representer(str, _text)


def yaml_file(head: str, *documents: Mapping[str, Any]) -> bytes:
    """Write documents of one file below a comment."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in head.splitlines())
    texts = (
        yaml.dump(one, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True, default_flow_style=False)
        for one in documents
    )
    return (comment + "---\n".join(texts)).encode()


def lines(*parts: str | Iterable[str]) -> bytes:
    """Join lines to a file."""
    flat = (line for part in parts for line in ([part] if isinstance(part, str) else part))
    return ("\n".join(flat) + "\n").encode()
