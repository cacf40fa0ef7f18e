"""Themes: one environment each, templates from the theme before core, and no leak between brands."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk.web.theme import Themes
from flask import Flask
from jinja2 import TemplateNotFound, UndefinedError


@pytest.fixture
def themes_dir(tmp_path: Path) -> Path:
    pages = {
        "core/templates/page.html": '{% extends "layout.html" %}{% block body %}hello{% endblock %}',
        "core/templates/layout.html": "core[{% block body %}{% endblock %}]",
        "core/static/a.css": "core",
        "core/static/b.css": "core",
        "north/templates/layout.html": "north[{% block body %}{% endblock %}]",
        "north/templates/only.html": "north",
        "north/static/a.css": "north",
        "south/templates/layout.html": "south[{% block body %}{% endblock %}]",
    }
    for name, content in pages.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.fixture
def themes(themes_dir: Path) -> Themes:
    return Themes(themes_dir, {"filters": {}, "globals": {}})


def test_one_brands_layout_never_wraps_the_others_page(themes: Themes) -> None:
    rendered = [themes.render(theme, "page.html", {}) for theme in ("north", "south", "core", "north", "south")]
    assert rendered == ["north[hello]", "south[hello]", "core[hello]", "north[hello]", "south[hello]"]


def test_a_template_of_one_theme_does_not_exist_in_another(themes: Themes) -> None:
    assert themes.render("north", "only.html", {}) == "north"
    with pytest.raises(TemplateNotFound):
        themes.render("south", "only.html", {})


def test_a_static_file_comes_from_the_theme_and_else_from_core(themes: Themes, themes_dir: Path) -> None:
    assert themes.static_file("north", "a.css") == themes_dir / "north" / "static" / "a.css"
    assert themes.static_file("north", "b.css") == themes_dir / "core" / "static" / "b.css"
    assert themes.static_file("north", "../templates/only.html") is None
    assert themes.static_file("north", "missing.css") is None


def test_a_changed_file_gets_a_new_fingerprint(themes: Themes, themes_dir: Path) -> None:
    file = themes_dir / "core" / "static" / "a.css"
    before = themes.fingerprint(file)
    file.write_text("changed")
    assert themes.fingerprint(file) != before


def test_values_are_escaped_and_misspelled_names_are_errors(themes: Themes, themes_dir: Path) -> None:
    (themes_dir / "core" / "templates" / "value.html").write_text("{{ value }}")
    assert themes.render("core", "value.html", {"value": "<script>"}) == "&lt;script&gt;"
    with pytest.raises(UndefinedError):
        themes.render("core", "value.html", {})


def test_the_app_of_this_project_keeps_one_environment_per_theme(app: Flask) -> None:
    themes: Themes = app.extensions["copydesk_themes"]
    assert themes.environment("aurora") is themes.environment("aurora")
    assert themes.environment("aurora") is not themes.environment("obsidian")


def test_brands_of_a_wrong_theme_look_like_core_and_stay_up(themes: Themes, themes_dir: Path) -> None:
    (themes_dir / "north" / "theme.yaml").write_text("name: north\ntitle: North\ncolour: red\n")
    assert themes.render("north", "page.html", {}) == "core[hello]"
    assert themes.theme("north").chain == ("core",)
    assert themes.render("south", "page.html", {}) == "south[hello]"
