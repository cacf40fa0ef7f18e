"""What a theme says of itself: `themes/<name>/theme.yaml`, checked whole. What it lacks comes from what it extends.

Reads files and nothing else, so that the command line can show and check themes without a running site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copydesk.kernel import ConfigError
from copydesk.tenancy import Colors
from copydesk.web.palette import Asked, Ground, Grounds, Palette, palette

CORE = "core"
THEME_FILE = "theme.yaml"
SITE, WORK = "site", "work"  # The kinds of pages, each with one bundle of styles.
REST = "blocks/*"
_Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
_Sheet = Annotated[str, Field(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*(/\*)?$")]
_Sheets = Annotated[tuple[_Sheet, ...], Field(strict=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Pair(_Strict):
    light: _Color
    dark: _Color


class _Defaults(_Strict):
    density: Literal["comfortable", "compact"] | None = None
    radius_px: int | None = Field(default=None, ge=0, le=32)


class _File(_Strict):
    name: _Name
    title: str
    description: str = ""
    extends: _Name | None = None
    home: Literal["light", "dark"] | None = None
    paper: _Pair | None = None
    raised: _Pair | None = None
    ink: _Pair | None = None
    lettering: Annotated[str, Field(pattern=r"^[a-z0-9-]+(/[a-z0-9.-]+)*\.(woff2|ttf|otf)$")] | None = None
    defaults: _Defaults = _Defaults()
    styles: _Sheets = ()
    bundles: dict[str, _Sheets] = Field(default_factory=dict)


@dataclass(frozen=True)
class Theme:
    """One installed theme. `chain` leads from itself to core; `density` and `radius_px` hold where a brand is silent.
    `lettering` is the static file of the face that pictures are written in.

    `sheets` lists, per kind of page, which style sheets make its bundle, in order, as paths without
    ".css"; one that a theme has under the name of an ancestor's stands in its place.
    """

    name: str
    title: str
    description: str
    chain: tuple[str, ...]
    grounds: Grounds
    density: str
    radius_px: int
    lettering: str | None
    sheets: Mapping[str, tuple[str, ...]]


def installed_themes(themes_dir: Path) -> tuple[str, ...]:
    """List the themes of the installation by name; core first, as what the others start from."""
    names = sorted(folder.name for folder in themes_dir.iterdir() if folder.is_dir() and folder.name[0] not in "._")
    return tuple(sorted(names, key=lambda name: name != CORE))


def read_theme(themes_dir: Path, name: str) -> Theme:
    """Read a theme and what it extends; raises ConfigError naming the file, the key, and what is expected there."""
    files = _chain(themes_dir, name)
    own = files[0]
    return Theme(
        name=own.name,
        title=own.title,
        description=own.description,
        chain=tuple(file.name for file in files),
        grounds=_grounds(files),
        density=next((file.defaults.density for file in files if file.defaults.density), "comfortable"),
        radius_px=next((file.defaults.radius_px for file in files if file.defaults.radius_px is not None), 10),
        lettering=next((file.lettering for file in files if file.lettering), None),
        sheets={kind: _sheets(themes_dir, files, kind) for kind in (SITE, WORK)},
    )


def palette_of(colors: Colors, theme: Theme) -> Palette:
    """Work out every color of a brand in its theme, and what had to be corrected."""
    return palette(Asked(colors.brand, colors.accent, colors.up, colors.down), theme.grounds)


def _chain(themes_dir: Path, name: str) -> list[_File]:
    """Read the theme and everything it extends, down to core."""
    files: list[_File] = []
    wanted: str | None = name
    while wanted:
        if wanted in (file.name for file in files):
            raise ConfigError(f"{themes_dir / name / THEME_FILE}: extends: expected no circle, found {wanted}")
        files.append(_read(themes_dir, wanted))
        wanted = files[-1].extends or (None if wanted == CORE else CORE)
    return files


def _read(themes_dir: Path, name: str) -> _File:
    file = themes_dir / name / THEME_FILE
    if not file.is_file():
        if (themes_dir / name).is_dir():
            return _File(name=name, title=name)
        raise ConfigError(f"{file}: expected an installed theme, found no folder {name!r}")
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        read = _File.model_validate(content)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: expected YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise ConfigError("; ".join(_sentence(file, dict(found)) for found in error.errors())) from None
    if read.name != name:
        raise ConfigError(f"{file}: name: expected the folder's name {name!r}, found {read.name!r}")
    return read


def _sentence(file: Path, found: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in found["loc"]) or "the file"
    if found["type"] == "extra_forbidden":
        return f"{file}: {key}: expected one of {', '.join(_File.model_fields)}, found this unknown key"
    return f"{file}: {key}: {found['msg'].lower()}, found {found['input']!r}"


def _grounds(files: list[_File]) -> Grounds:
    usual = Grounds()

    def first(part: str, scheme: Literal["light", "dark"]) -> str:
        pairs = (getattr(file, part) for file in files)
        fallback: str = getattr(getattr(usual, scheme), part)
        return next((getattr(pair, scheme) for pair in pairs if pair), fallback)

    light, dark = (
        Ground(*(first(part, scheme) for part in ("paper", "raised", "ink"))) for scheme in ("light", "dark")
    )
    return Grounds(light, dark, next((file.home for file in files if file.home), usual.home))


def _sheets(themes_dir: Path, files: list[_File], kind: str) -> tuple[str, ...]:
    """List core's sheets of this kind of page, then each theme's own, the farthest ancestor's first."""
    core = files[-1]
    named = [sheet for sheet in core.bundles.get(kind, ()) if sheet != REST]
    if REST in core.bundles.get(kind, ()):
        blocks = sorted((themes_dir / core.name / "static" / "css" / "blocks").glob("*.css"))
        named += [sheet for block in blocks if (sheet := f"blocks/{block.stem}") not in named]
    own = [sheet for file in reversed(files[:-1]) for sheet in file.styles]
    return tuple(dict.fromkeys((*named, *own)))
