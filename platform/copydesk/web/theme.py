"""Themes on disk: a sandboxed Jinja environment each, static files and bundles under fingerprinted addresses.

A theme is `themes/<name>/{theme.yaml,templates,static}`; what it lacks comes from what it extends, at last from
`themes/core`. Environments are never shared: one environment's template cache would show a brand the other's page
(platform/docs/adr). A template sees the values of its page and nothing of the process around it.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import flask_babel  # type: ignore[import-untyped]
from flask import current_app, url_for
from jinja2 import FileSystemLoader, StrictUndefined
from werkzeug.security import safe_join

from copydesk.kernel import ConfigError
from copydesk.web.bundles import Bundle, Bundles
from copydesk.web.sandbox import Sandbox
from copydesk.web.theme_file import CORE, Theme, read_theme

__all__ = ["CORE", "Themes", "current_themes"]

log = logging.getLogger(__name__)

_GZIPPED = frozenset({".css", ".js", ".svg"})
_GZIPPED_KEPT_MAX = 256


class ThemeLoader(FileSystemLoader):
    """Look a template up in the theme, then in what it extends."""

    def __init__(self, themes_dir: Path, chain: tuple[str, ...]) -> None:
        super().__init__([themes_dir / name / "templates" for name in chain])


class Themes:
    """Render templates and find static files of every installed theme; raises ConfigError for a wrong core."""

    def __init__(self, themes_dir: Path, additions: Mapping[str, Mapping[str, Any]]) -> None:
        """`additions` holds what templates see beside their context: "filters" and "globals"; and who says "texts"."""
        self._dir = themes_dir
        self._additions = additions
        self._themes = {CORE: read_theme(themes_dir, CORE)}
        self._environments: dict[str, Sandbox] = {}
        self._fingerprints: dict[tuple[Path, int, int], str] = {}
        self._gzipped: dict[tuple[Path, str], bytes] = {}
        self._bundles = Bundles(self.static_file, self.asset_url)
        self._lock = threading.Lock()

    def theme(self, name: str) -> Theme:
        """Return what a theme says of itself, read once. Where that is wrong its brands look like core, and stay up."""
        if name not in self._themes:
            try:
                self._themes[name] = read_theme(self._dir, name)
            except ConfigError as error:
                log.error("the theme %s is not used, core stands in: %s", name, error)
                self._themes[name] = replace(self._themes[CORE], name=name)
        return self._themes[name]

    def render(self, theme: str, template: str, context: Mapping[str, Any]) -> str:
        """Render a template in the theme; raises `jinja2.TemplateNotFound` where core lacks it too."""
        return self.environment(theme).get_template(template).render(context)

    def environment(self, theme: str) -> Sandbox:
        with self._lock:
            if theme not in self._environments:
                self._environments[theme] = self._create(theme)
            return self._environments[theme]

    def static_file(self, theme: str, path: str) -> Path | None:
        """Return the file that a theme shows under this path: its own, else that of what it extends."""
        for name in self.theme(theme).chain:
            found = safe_join(str(self._dir / name / "static"), path)
            if found is not None and Path(found).is_file():
                return Path(found)
        return None

    def asset_url(self, theme: str, path: str) -> str:
        """Return the address of a static file with its content's fingerprint; without one where it is missing."""
        file = self.static_file(theme, path)
        version = self.fingerprint(file) if file else None
        return url_for("public.theme_file", theme=theme, path=path, v=version)

    def bundle(self, theme: str, kind: str) -> Bundle:
        """Return the joined style sheets of a kind of page."""
        return self._bundles.bundle(self.theme(theme), kind)

    def bundle_url(self, theme: str, kind: str) -> str:
        """Return the address of a bundle as it is now."""
        return url_for("public.theme_bundle", theme=theme, kind=kind, version=self.bundle(theme, kind).version)

    def fingerprint(self, file: Path) -> str:
        """Return a short hash of the content, computed once per version of the file."""
        status = file.stat()
        key = (file, status.st_mtime_ns, status.st_size)
        if key not in self._fingerprints:
            self._fingerprints[key] = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        return self._fingerprints[key]

    def gzipped(self, file: Path) -> bytes | None:
        """Return a text file compressed, once per content; None for what is compressed by its nature."""
        if file.suffix not in _GZIPPED:
            return None
        key = (file, self.fingerprint(file))
        if key not in self._gzipped:
            if len(self._gzipped) >= _GZIPPED_KEPT_MAX:
                self._gzipped.clear()
            self._gzipped[key] = gzip.compress(file.read_bytes(), compresslevel=9, mtime=0)
        return self._gzipped[key]

    def _create(self, theme: str) -> Sandbox:
        environment = Sandbox(
            loader=ThemeLoader(self._dir, self.theme(theme).chain),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            **{"gettext": flask_babel.gettext, "ngettext": flask_babel.ngettext, **self._additions.get("texts", {})},
            pgettext=flask_babel.pgettext,
            npgettext=flask_babel.npgettext,
            newstyle=True,
        )
        environment.globals["_"] = environment.globals["gettext"]
        environment.filters.update(self._additions["filters"])
        environment.globals.update(self._additions["globals"])
        environment.globals["url_for"] = url_for
        return environment


def current_themes() -> Themes:
    """Return the themes of the running app."""
    themes = current_app.extensions["copydesk_themes"]
    assert isinstance(themes, Themes)
    return themes
