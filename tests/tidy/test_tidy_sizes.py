"""Files, functions and scripts stay small enough to be read."""

from __future__ import annotations

import ast

import pytest
from project import PACKAGE, ROOT, files, modules, named, tree

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
THEME_LINES_MAX = 150
SCRIPT_LINES_MAX = 20
README_LINES_MAX = 100


def lines(path):
    return len(path.read_text().splitlines())


def test_no_module_is_longer_than_its_limit() -> None:
    assert named([path for path in modules() if lines(path) > MODULE_LINES_MAX]) == []


def test_no_template_style_or_script_of_a_theme_is_longer_than_its_limit() -> None:
    checked = files(".html", ".css", ".js", under=ROOT / "themes")
    assert named([path for path in checked if lines(path) > THEME_LINES_MAX]) == []


def test_no_function_is_longer_than_its_limit() -> None:
    long = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path in modules()
        if path.parent.name != "versions"  # A migration is a list of statements, and is never changed.
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > FUNCTION_LINES_MAX
    ]
    assert long == []


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").iterdir()), ids=lambda path: path.name)
def test_a_script_is_a_short_runnable_command(path) -> None:
    assert lines(path) <= SCRIPT_LINES_MAX
    assert path.read_text().startswith("#!/usr/bin/env bash\n# ")
    assert path.stat().st_mode & 0o111


def test_the_readme_fits_its_limit() -> None:
    assert lines(ROOT / "README.md") <= README_LINES_MAX
