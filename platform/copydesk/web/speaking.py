"""Speaks a language outside a request: for commands that say the same sentences as the site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask_babel import Babel, force_locale  # type: ignore[import-untyped]

from copydesk.web.catalogs import LANGUAGES, TRANSLATIONS

LOCALES = LANGUAGES


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Let every sentence and figure in this context be one of `locale`, which is among `LOCALES`."""
    app = Flask("copydesk.words", static_folder=None, template_folder=None)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app)
    with app.app_context(), force_locale(locale):
        yield
