"""The inside of a parcel: lines of JSON in named sections, between a first line that says whose it is and a last one.

    #{"parcel": 1, ...}                       the head
    #{"begin": "rows:account"}
    {"tenant_id": 3, "id": 17, ...}           as many lines as there are
    #{"end": "rows:account", "lines": 1, "sha256": "..."}
    #{"manifest": {...}}                      what was packed; nothing follows

No line of a section begins with "#".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO

from copydesk.parcel.model import FORMAT, Head, Manifest, ParcelBroken, Section

# As a brand's folder may be called.
SLUG = r"[a-z][a-z0-9-]{0,30}"
LINE_BYTES_MAX = 256 * 1024 * 1024


class SectionWriter:
    """Write the head, then sections, then the manifest."""

    def __init__(self, out: BinaryIO, head: Head) -> None:
        self._out, self._head = out, head
        self._sections: list[Section] = []
        self._control({"parcel": FORMAT} | asdict(head) | {"made_at": head.made_at.isoformat()})

    def section(self, name: str, lines: Iterable[bytes]) -> int:
        """Write one section from lines without their line feeds, and return how many there were."""
        self._control({"begin": name})
        digest, count = hashlib.sha256(), 0
        for line in lines:
            assert line[:1] != b"#", "a line of a section never looks like one of ours"
            assert b"\n" not in line, "a line is one line"
            self._out.write(line + b"\n")
            digest.update(line + b"\n")
            count += 1
        self._sections.append(Section(name, count, digest.hexdigest()))
        self._control({"end": name, "lines": count, "sha256": digest.hexdigest()})
        return count

    def end(self, *, audit_seq: int, audit_hash: str, key: str) -> Manifest:
        """Write the last line, and return what was packed."""
        manifest = Manifest(self._head, tuple(self._sections), audit_seq, audit_hash, key)
        sections = [asdict(one) for one in manifest.sections]
        told = {"sections": sections, "audit_seq": audit_seq, "audit_hash": audit_hash, "key": key}
        self._control({"manifest": told})
        return manifest

    def _control(self, said: Mapping[str, Any]) -> None:
        self._out.write(b"#" + plain_line(said) + b"\n")


class SectionReader:
    """Read what `SectionWriter` wrote. Raises `ParcelBroken` where it is anything else.

    `manifest` is there once every section was read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        said = self._control()
        if said.get("parcel") != FORMAT:
            raise ParcelBroken(f"the parcel has format {said.get('parcel')}, this version reads format {FORMAT}")
        self.head = _head(said)
        self.manifest: Manifest | None = None

    def sections(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Give each section by name with its lines; what its reader leaves is passed over."""
        found: list[Section] = []
        while (said := self._control()).keys() == {"begin"}:
            lines = self._lines(said["begin"], found)
            yield said["begin"], lines
            for _ in lines:
                pass
        told = said.get("manifest")
        if told is None or self._file.read(1):
            raise _odd("its last line is not the manifest")
        sections = tuple(Section(**one) for one in told.pop("sections"))
        if sections != tuple(found):
            raise _odd("its sections are not those that the manifest names")
        self.manifest = Manifest(self.head, sections, **told)

    def _lines(self, name: str, found: list[Section]) -> Iterator[bytes]:
        digest, count = hashlib.sha256(), 0
        while not (line := self._line()).startswith(b"#"):
            digest.update(line)
            count += 1
            yield line.removesuffix(b"\n")
        section = Section(name, count, digest.hexdigest())
        if json.loads(line[1:]) != {"end": name, "lines": count, "sha256": section.sha256}:
            raise _odd(f"section {name} is not as it was packed")
        found.append(section)

    def _control(self) -> dict[str, Any]:
        line = self._line()
        if not line.startswith(b"#"):
            raise _odd("a section is where none may be")
        return dict(json.loads(line[1:]))

    def _line(self) -> bytes:
        line = self._file.readline(LINE_BYTES_MAX)
        if not line.endswith(b"\n"):
            raise _odd("it ends too early")
        return line


def _head(said: Mapping[str, Any]) -> Head:
    """Read the head; its number and slug become names of files, so that they are looked at closely."""
    fields = {name: said[name] for name in ("number", "slug", "version", "revision", "tenant_id")}
    texts = {"number": r"[0-9a-f]{16}", "slug": SLUG, "version": r"[\w.+-]{1,40}", "revision": r"\w{1,40}"}
    if not all(isinstance(said[name], str) and re.fullmatch(shape, said[name]) for name, shape in texts.items()):
        raise _odd("its head names what no brand and no version is called")
    if type(said["tenant_id"]) is not int:
        raise _odd("its head has no number of the brand")
    return Head(made_at=datetime.fromisoformat(said["made_at"]), **fields)


def plain_line(value: Mapping[str, Any]) -> bytes:
    """Write a map as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _odd(what: str) -> ParcelBroken:
    return ParcelBroken(f"the parcel was not written by this program: {what}")
