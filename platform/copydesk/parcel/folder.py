"""A brand's folder on its way: its file and the pictures beside it."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from copydesk.kernel import ConfigError, InvalidInput
from copydesk.parcel.lines import plain_line
from copydesk.parcel.model import ParcelBroken
from copydesk.tenancy import TENANT_FILE

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")


def folder_lines(folder: Path) -> Iterator[bytes]:
    """Give every file of a brand's folder; hidden ones and links stay behind."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and _safe(name):
            yield plain_line({"name": name, "data": base64.b64encode(path.read_bytes()).decode()})


def packed_files(lines: Iterable[bytes]) -> dict[str, bytes]:
    """Return a parcel's files by name; raises `ParcelBroken` for a name that leads elsewhere."""
    found = {}
    for said in map(json.loads, lines):
        if not _safe(said["name"]):
            raise ParcelBroken(f"the parcel names a file {said['name']!r}, which is no place in a brand's folder")
        found[str(said["name"])] = base64.b64decode(said["data"], validate=True)
    return found


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a brand's folder anew; what lay there before is gone."""
    drop_folder(folder)
    try:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from None


def drop_folder(folder: Path) -> None:
    """Take a folder away, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def place_folder(draft: Path, place: Path) -> None:
    """Move a folder that was written beside its place there, at once."""
    try:
        os.rename(draft, place)  # noqa: PTH104 - `Path.rename` would do the same; a folder that is there must stay
    except OSError as error:
        raise ConfigError(f"{place} cannot be written: {error.strerror}") from None


def with_hosts(content: bytes, hosts: tuple[str, ...]) -> bytes:
    """Return a brand's file with other hosts; all else stays as it was written, comments included."""
    try:
        text = content.decode()
        node = _node(yaml.compose(text, Loader=yaml.SafeLoader), ("brand", "hosts"))
    except (yaml.YAMLError, UnicodeDecodeError):
        node = None
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise InvalidInput(f"{TENANT_FILE}: expected a list under brand.hosts; the hosts cannot be replaced")
    # A list without brackets ends, as far as YAML is concerned, where the next key begins.
    end = node.end_mark if node.flow_style else node.value[-1].end_mark
    return f"{text[: node.start_mark.index]}[{', '.join(hosts)}]{text[end.index :]}".encode()


def _node(node: yaml.Node | None, path: tuple[str, ...]) -> yaml.Node | None:
    for name in path:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == name), None)
    return node


def _safe(name: object) -> bool:
    return isinstance(name, str) and all(_PART.match(part) for part in name.split("/"))
