"""Where a new brand comes from: answers in a file, or a whole `tenant.yaml` that somebody has written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from copydesk.cli.tenant_answers import Given, Ground, completed, given_by
from copydesk.cli.tenant_draft import Draft, files_beside, picture
from copydesk.cli.tenant_recipe import logo_name, tenant_text
from copydesk.cli.yaml_text import with_values
from copydesk.kernel import InvalidInput
from copydesk.tenancy.document import read_document

# Answers that a whole file may be given besides, and the keys that they are.
_KEYS = {
    "name": "brand.name",
    "tagline": "brand.tagline",
    "hosts": "brand.hosts",
    "theme": "brand.theme",
    "color": "brand.colors.brand",
    "locales": "locales",
    "time_zone": "time_zone",
    "currency": "currency",
}
_ASSETS = ("logo", "favicon", "font")


@dataclass(frozen=True)
class Source:
    """A file that was named: the answers in it, or, of a whole brand, its text and what lies beside."""

    given: Given = field(default_factory=Given)
    text: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


def source_of(path: Path) -> Source:
    """Read the file; raises InvalidInput with place and reason. A whole brand's file is known by its key `schema`."""
    document = read_document(path)
    if document.problems or not isinstance(document.data, dict):
        first = document.problems[0] if document.problems else None
        said = f"expected {first.expected}, found {first.found}" if first else "expected a map of keys"
        raise InvalidInput(f"{path}:{first.line if first else 1}: {said}")
    if "schema" not in document.data:
        given = given_by(document.data, source=str(path))
        return Source(given=_beside(given, path))
    return Source(text=path.read_text("utf-8-sig"), files=files_beside(path, _asset_names(document.data)))


def draft_of(slug: str, given: Given, source: Source, ground: Ground) -> Draft:
    """Return the brand that answers and source make together; what was answered holds over what the source says."""
    if source.text:
        return _changed(slug, given, source)
    answers = completed(slug, given.over(source.given), ground)
    files = {}
    if answers.logo is not None:
        files[logo_name(answers) or ""] = picture(answers.logo)
    return Draft(slug, tenant_text(answers), files)


def _changed(slug: str, given: Given, source: Source) -> Draft:
    if given.markets or given.exchanges:
        raise InvalidInput("--markets and --exchange: a whole tenant.yaml says them itself, found both")
    changes: dict[str, object] = {
        key: getattr(given, name) for name, key in _KEYS.items() if getattr(given, name) is not None
    }
    if given.locales:
        changes["locale_default"] = given.locales[0]
    files = dict(source.files)
    if given.logo is not None:
        changes["brand.logo"] = f"logo{given.logo.suffix.lower()}"
        files[str(changes["brand.logo"])] = picture(given.logo)
    return Draft(slug, with_values(source.text, changes) if changes else source.text, files)


def _asset_names(data: dict[str, Any]) -> Iterator[str]:
    brand = data.get("brand")
    for name in _ASSETS:
        told = brand.get(name) if isinstance(brand, dict) else None
        # A name that leads elsewhere is refused when the draft is judged, and read by nobody.
        if isinstance(told, str) and told == Path(told).name and not told.startswith("stored:"):
            yield told


def _beside(given: Given, path: Path) -> Given:
    """Let a logo that an answers file names lie beside that file."""
    if given.logo is None or given.logo.is_absolute():
        return given
    return Given(logo=path.parent / given.logo).over(given)
