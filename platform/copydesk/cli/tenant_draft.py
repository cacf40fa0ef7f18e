"""A brand before it exists: written whole into a hidden folder, looked at, then moved into its place at once.

Whatever happens meanwhile, `tenants/<slug>` is there completely or not at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree

from copydesk.bootstrap import Installation
from copydesk.kernel import ConfigError, InvalidInput, SettingRegistry
from copydesk.tenancy import (
    TENANT_FILE,
    LayerValues,
    Tenant,
    TenantError,
    host_conflicts,
    load_tenant,
)

_SVG_BYTES_MAX = 256 * 1024
_FILE_BYTES_MAX = 2 * 1024 * 1024
# Brands' folders never begin with a dot: nobody serves what is written there.
_HIDDEN = ".new-"
_LEFT_AFTER_S = 3600
_PICTURES = (".svg", ".png", ".webp")


@dataclass(frozen=True)
class Draft:
    """What a brand's folder will hold: the text of its file, and the contents of what lies beside it by name."""

    slug: str
    text: str
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Grounds:
    """Against what a draft is judged: the installation, its defaults and settings, and the brands that it serves."""

    places: Installation
    defaults: LayerValues
    settings: SettingRegistry
    others: tuple[Tenant, ...]


def judged(draft: Draft, grounds: Grounds) -> Tenant | list[TenantError]:
    """Return the brand that the draft would be, or everything that is wrong with it; nothing stays on disk."""
    with _written(draft, Path(tempfile.gettempdir())) as folder:
        return _read(folder, draft, grounds)


def put_into_place(draft: Draft, grounds: Grounds) -> Tenant:
    """Make the brand's folder, if the draft is sound; raises InvalidInput with every error, and then nothing is there.

    Raises ConfigError where the disk refuses, or the folder is there meanwhile.
    """
    place = grounds.places.tenants / draft.slug
    _sweep(grounds.places.tenants)
    with _written(draft, grounds.places.tenants) as folder:
        found = _read(folder, draft, grounds)
        if not isinstance(found, Tenant):
            raise refusal(found)
        try:
            folder.rename(place)
        except OSError as error:
            raise ConfigError(f"{place} cannot be made: {(error.strerror or str(error)).lower()}") from None
    return found


def replace_text(path: Path, text: str) -> None:
    """Write a file anew: whoever reads it meanwhile sees the old one or the new one, never half of either."""
    _replace(path, text.encode())


def write_beside(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files beside a brand's file, each whole."""
    for name, data in files.items():
        _replace(path.parent / name, data)


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None


def refusal(errors: Iterable[TenantError]) -> InvalidInput:
    """Put everything that is wrong into one sentence: keys, expectations and findings."""
    return InvalidInput("; ".join(f"{one.key}: expected {one.expected}, found {one.found}" for one in errors))


def picture(path: Path) -> bytes:
    """Read a logo; raises InvalidInput unless it is a picture of a kind that sites show, and no larger than they take.

    What is no SVG is painted anew, so that nothing but the picture is kept.
    """
    ending = path.suffix.lower()
    if ending not in _PICTURES:
        raise InvalidInput(f"logo: expected a file that ends in {', '.join(_PICTURES)}, found {path.name}")
    data = _bytes_of(path)
    if ending == ".svg":
        return _drawing(path, data)
    from io import BytesIO

    from copydesk.web.uploads import Painted, painted_anew

    form = Painted.PNG if ending == ".png" else Painted.WEBP
    return painted_anew(f"logo {path.name}", BytesIO(data), form=form).data


def _drawing(path: Path, data: bytes) -> bytes:
    if len(data) > _SVG_BYTES_MAX:
        raise InvalidInput(f"logo: expected an SVG of at most {_SVG_BYTES_MAX // 1024} KiB, found {len(data) // 1024}")
    if b"<!" in data.replace(b"<!--", b"") or b"<script" in data.lower():
        raise InvalidInput(f"logo: expected an SVG without document type and script, found one in {path.name}")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - the operator's own file, without entities
    except ElementTree.ParseError as error:
        raise InvalidInput(f"logo: expected an SVG, found {path.name}, which is none: {error}") from None
    if root.tag.rpartition("}")[2] != "svg":
        raise InvalidInput(f"logo: expected an SVG, found {path.name} with the root {root.tag}")
    return data


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidInput(f"{path}: expected a readable file: {(error.strerror or str(error)).lower()}") from None
    if len(data) > _FILE_BYTES_MAX:
        raise InvalidInput(f"{path}: expected at most {_FILE_BYTES_MAX // 2**20} MiB, found more")
    return data


def files_beside(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Read the files that a brand's file refers to, from the folder that it lies in."""
    return {name: _bytes_of(path.parent / name) for name in dict.fromkeys(names)}


def _sweep(parent: Path) -> None:
    """Take away what a command left behind that was killed while it wrote."""
    for left in parent.glob(f"{_HIDDEN}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_AFTER_S:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _written(draft: Draft, parent: Path) -> Iterator[Path]:
    """Write the draft below `parent`, in a folder of its slug that nobody looks into; gone after the block."""
    try:
        hidden = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=parent))
    except OSError as error:
        raise ConfigError(f"nothing can be made in {parent}: {(error.strerror or str(error)).lower()}") from None
    try:
        folder = hidden / draft.slug
        folder.mkdir()
        (folder / TENANT_FILE).write_text(draft.text, encoding="utf-8")
        for name, data in draft.files.items():
            (folder / name).write_bytes(data)
        yield folder
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _read(folder: Path, draft: Draft, grounds: Grounds) -> Tenant | list[TenantError]:
    found = load_tenant(
        folder / TENANT_FILE, defaults=grounds.defaults, themes_dir=grounds.places.themes, settings=grounds.settings
    )
    place = grounds.places.tenants / draft.slug / TENANT_FILE
    if isinstance(found, Tenant):
        found = replace(found, path=place)
        conflicts = host_conflicts(found, grounds.others)
        return conflicts or found
    return [replace(error, file=str(place)) for error in found]
