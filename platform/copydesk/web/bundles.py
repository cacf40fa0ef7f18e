"""The style sheets of a kind of page in one file: joined in order, addresses inside made absolute, kept compressed.

Custom properties of a theme's papers come first, out of its `theme.yaml`. A bundle's address holds the hash of its
content, so that browsers keep it for a year.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from copydesk.web.palette import Grounds
from copydesk.web.theme_file import Theme

LAYERS = "@layer tokens, base, layout, blocks, utilities;"
_LOOK_EVERY_S = 1.0
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BETWEEN_LINES = re.compile(r"\s*\n\s*")
_ADDRESS = re.compile(r"""url\(["']?(?!data:|#|/)([^"')]+)["']?\)""")


@dataclass(frozen=True)
class Bundle:
    """One joined style sheet; `version` is the hash of its content."""

    version: str
    plain: bytes
    gzipped: bytes


class Bundles:
    """Keep each theme's bundles; a changed style sheet is seen within a second."""

    def __init__(self, find: Callable[[str, str], Path | None], address: Callable[[str, str], str]) -> None:
        """`find(theme, path)` looks a static file up; `address(theme, path)` is where browsers get it."""
        self._find = find
        self._address = address
        self._kept: dict[tuple[str, str], tuple[float, tuple[object, ...], Bundle]] = {}
        self._lock = threading.Lock()

    def bundle(self, theme: Theme, kind: str) -> Bundle:
        """Return a bundle as its files are now."""
        key, now = (theme.name, kind), time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
            if kept and now - kept[0] < _LOOK_EVERY_S:
                return kept[2]
            files = [(sheet, self._find(theme.name, f"css/{sheet}.css")) for sheet in theme.sheets[kind]]
            signature = tuple((sheet, _stamp(file)) for sheet, file in files)
            bundle = kept[2] if kept and kept[1] == signature else self._join(theme, files)
            self._kept[key] = (now, signature, bundle)
            return bundle

    def _join(self, theme: Theme, files: list[tuple[str, Path | None]]) -> Bundle:
        sheets = [self._absolute(theme.name, sheet, file) for sheet, file in files if file]
        plain = "\n".join([LAYERS, _papers(theme.grounds), *sheets]).encode()
        version = hashlib.sha256(plain).hexdigest()[:12]
        return Bundle(version, plain, gzip.compress(plain, compresslevel=9, mtime=0))

    def _absolute(self, theme: str, sheet: str, file: Path) -> str:
        """Return a sheet without comments, its addresses as browsers must ask for them from anywhere."""

        def address(found: re.Match[str]) -> str:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(f"css/{sheet}.css"), found[1]))
            return f'url("{self._address(theme, path)}")'

        bare = _COMMENT.sub("", file.read_text(encoding="utf-8"))
        return _ADDRESS.sub(address, _BETWEEN_LINES.sub("\n", bare).strip())


def _papers(grounds: Grounds) -> str:
    """Write a theme's papers as custom properties; its own style sheets need not repeat them."""
    pairs = {part: (getattr(grounds.light, part), getattr(grounds.dark, part)) for part in ("paper", "raised", "ink")}
    values = " ".join(f"--{part}: light-dark({light}, {dark});" for part, (light, dark) in pairs.items())
    home = "" if grounds.home == "light" else "\n:root:not([data-scheme]) { color-scheme: dark; }"
    return f"@layer tokens {{\n:root {{ color-scheme: light dark; {values} }}{home}\n}}"


def _stamp(file: Path | None) -> tuple[str, int, int] | None:
    if file is None:
        return None
    status = file.stat()
    return str(file), status.st_mtime_ns, status.st_size
