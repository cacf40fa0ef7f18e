"""Themes on disk: one Jinja environment per theme, and its static files under fingerprinted addresses.

A theme is `themes/<name>/{templates,static}`; what it lacks comes from `themes/core`. Environments are never
shared: one environment's template cache would show a brand the other's page (platform/docs/adr).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flask_babel  # type: ignore[import-untyped]
from flask import Flask, current_app, url_for
from flask.templating import Environment
from jinja2 import FileSystemLoader, StrictUndefined
from werkzeug.security import safe_join

CORE = "core"


class ThemeLoader(FileSystemLoader):
    """Look a template up in the theme, then in core."""

    def __init__(self, themes_dir: Path, theme: str) -> None:
        super().__init__([themes_dir / name / "templates" for name in dict.fromkeys((theme, CORE))])


class Themes:
    """Render templates and find static files of every installed theme."""

    def __init__(self, app: Flask, themes_dir: Path, additions: Mapping[str, Mapping[str, Any]]) -> None:
        """`additions` holds what templates see beside their context: "filters" and "globals"."""
        self._app = app
        self._dir = themes_dir
        self._additions = additions
        self._environments: dict[str, Environment] = {}
        self._fingerprints: dict[tuple[Path, int, int], str] = {}
        self._lock = threading.Lock()

    def render(self, theme: str, template: str, context: Mapping[str, Any]) -> str:
        """Render a template in the theme; raises `jinja2.TemplateNotFound` where core lacks it too."""
        return self.environment(theme).get_template(template).render(context)

    def environment(self, theme: str) -> Environment:
        with self._lock:
            if theme not in self._environments:
                self._environments[theme] = self._create(theme)
            return self._environments[theme]

    def static_file(self, theme: str, path: str) -> Path | None:
        """Return the file that a theme shows under this path: its own, else core's."""
        for name in dict.fromkeys((theme, CORE)):
            found = safe_join(str(self._dir / name / "static"), path)
            if found is not None and Path(found).is_file():
                return Path(found)
        return None

    def asset_url(self, theme: str, path: str) -> str:
        """Return the address of a static file with its content's fingerprint; without one where it is missing."""
        file = self.static_file(theme, path)
        version = self.fingerprint(file) if file else None
        return url_for("public.theme_file", theme=theme, path=path, v=version)

    def fingerprint(self, file: Path) -> str:
        """Return a short hash of the content, computed once per version of the file."""
        status = file.stat()
        key = (file, status.st_mtime_ns, status.st_size)
        if key not in self._fingerprints:
            self._fingerprints[key] = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        return self._fingerprints[key]

    def _create(self, theme: str) -> Environment:
        environment = Environment(
            self._app,
            loader=ThemeLoader(self._dir, theme),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            gettext=flask_babel.gettext,
            ngettext=flask_babel.ngettext,
            pgettext=flask_babel.pgettext,
            npgettext=flask_babel.npgettext,
            newstyle=True,
        )
        environment.filters.update(self._additions["filters"])
        environment.globals.update(self._additions["globals"])
        environment.globals["url_for"] = url_for
        return environment


def current_themes() -> Themes:
    """Return the themes of the running app."""
    themes = current_app.extensions["copydesk_themes"]
    assert isinstance(themes, Themes)
    return themes
