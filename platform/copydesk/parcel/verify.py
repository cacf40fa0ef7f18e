"""Reads a parcel to its end and judges it, without writing anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from copydesk.audit.arrival import ChainEnd, record_end
from copydesk.parcel.folder import packed_files
from copydesk.parcel.intakes import packed_intakes
from copydesk.parcel.lines import SectionReader
from copydesk.parcel.model import Head, Manifest, ParcelBroken
from copydesk.parcel.stream import STRANGE, Begin, open_parcel
from copydesk.parcel.wrapping import PassphraseStore, packed_secrets, packed_vaults
from copydesk.vault import Purpose, Vault

# What the brand's panel has set (`tenancy.tables.SettingRevision`).
REVISIONS = "rows:setting_revision"
WHOLE = frozenset({"folder", "secrets", "data_keys", "intakes", "record", "tenant"})


@dataclass
class Contents:
    """What is small enough to be held in memory, of a parcel that was read to its end."""

    head: Head
    files: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    vaults: dict[Purpose, Vault] = field(default_factory=dict, repr=False)
    intakes: dict[int, str] = field(default_factory=dict, repr=False)
    record: ChainEnd = ChainEnd(0, "")  # noqa: RUF009 - a frozen value
    tenant: dict[str, Any] = field(default_factory=dict)
    panel: dict[str, Any] = field(default_factory=dict)
    manifest: Manifest | None = None


def verify_parcel(file: Path, passphrase: str) -> Manifest:
    """Return what a parcel says of itself; raises `PassphraseWrong`, or `ParcelBroken` where a single bit differs."""
    with open_parcel(file, passphrase) as begin:
        manifest = read_contents(begin).manifest
    assert manifest is not None, "a parcel that was read to its end has a manifest"
    return manifest


def read_contents(begin: Begin) -> Contents:
    """Read every line of a parcel, and hold the record in it to its chain."""
    try:
        contents, seen = _read(*begin())
    except STRANGE as error:
        raise ParcelBroken(f"the parcel was not written by this program: {type(error).__name__}") from error
    assert contents.manifest is not None, "the last section was read"
    if missing := WHOLE - seen:
        raise ParcelBroken(f"the parcel is not whole: {', '.join(sorted(missing))} is missing")
    if contents.record != ChainEnd(contents.manifest.audit_seq, contents.manifest.audit_hash):
        raise ParcelBroken("the parcel's record of who did what does not end where the parcel says")
    return contents


def _read(reader: SectionReader, store: PassphraseStore) -> tuple[Contents, set[str]]:
    contents, seen = Contents(reader.head), set()
    for name, lines in reader.sections():
        seen.add(name)
        _take(contents, name, lines, store)
    contents.manifest = reader.manifest
    return contents, seen


def _take(contents: Contents, name: str, lines: Iterator[bytes], store: PassphraseStore) -> None:
    tenant_id = contents.head.tenant_id
    if name == "folder":
        contents.files = packed_files(lines)
    elif name == "secrets":
        contents.secrets = packed_secrets(lines, store)
    elif name == "data_keys":
        contents.vaults = packed_vaults(lines, tenant_id, store)
    elif name == "intakes":
        contents.intakes = packed_intakes(lines, store)
    elif name == "record":
        contents.record = record_end(lines, tenant_id)
    elif name == "tenant":
        contents.tenant = dict(json.loads(next(lines)))
    elif name == REVISIONS:
        contents.panel = _panel(lines, contents.tenant["revision"])


def _panel(lines: Iterable[bytes], revision: int) -> dict[str, Any]:
    """Return the override set that holds, as the panel's revisions have it."""
    rows = map(json.loads, lines)
    return next((dict(row["values"]) for row in rows if row["id"] == revision), {})
