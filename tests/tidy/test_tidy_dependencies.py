"""Every dependency is explained once and pinned once."""

from __future__ import annotations

import json
import re

import pytest
from project import ROOT, dependencies, normal

DOC = ROOT / "platform" / "docs" / "dependencies.md"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==\S+$")


def explained() -> set[str]:
    """Name what has a paragraph: `**name**` opens it; several names may share one."""
    names: set[str] = set()
    for paragraph in DOC.read_text().split("\n\n"):
        names |= {normal(name) for name in re.findall(r"\*\*([^*]+)\*\*", paragraph)}
    return names


def pins() -> list[str]:
    lines = (ROOT / "config" / "constraints.txt").read_text().splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    assert all(PIN.match(line) for line in kept)
    return [normal(line.partition("==")[0]) for line in kept]


def test_every_dependency_has_a_paragraph() -> None:
    assert [name for name in dependencies() if name not in explained()] == []


def test_every_dependency_has_one_exact_pin() -> None:
    assert [name for name in dependencies() if pins().count(name) != 1] == []


def test_every_browser_library_has_a_paragraph() -> None:
    manifest = ROOT / "themes" / "core" / "package.json"
    if not manifest.exists():
        pytest.skip("no library is sent to browsers yet")
    declared = json.loads(manifest.read_text())
    wanted = [*declared.get("dependencies", {}), *declared.get("devDependencies", {})]
    assert [name for name in wanted if normal(name) not in explained()] == []
