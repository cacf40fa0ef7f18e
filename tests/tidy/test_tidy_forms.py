"""Every form that changes something carries the token that proves it to be ours."""

from __future__ import annotations

import re

from project import ROOT, files, named

FORM = re.compile(r"<form\b[^>]*>(.*?)</form>", re.DOTALL | re.IGNORECASE)
CHANGES = re.compile(r"""<form\b[^>]*\bmethod=["']?post""", re.IGNORECASE)
HTMX = re.compile(r"<(?!form\b)\w+\b[^>]*\bhx-(?:post|put|patch|delete)=", re.IGNORECASE)


def templates():
    return files(".html", under=ROOT / "themes")


def test_every_form_that_posts_carries_the_token() -> None:
    bare = [
        path
        for path in templates()
        for form in FORM.finditer(path.read_text())
        if CHANGES.match(form[0]) and "csrf_field()" not in form[1]
    ]
    assert named(bare) == []
    assert any("csrf_field()" in path.read_text() for path in templates())


def test_no_part_of_a_page_changes_anything_without_a_form() -> None:
    assert named([path for path in templates() if HTMX.search(path.read_text())]) == []
