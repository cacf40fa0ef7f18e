"""Every act that is written into a brand's record stands in the list of acts, and nothing else does."""

from __future__ import annotations

import ast
import re

from project import ROOT, modules

PAGE = ROOT / "platform" / "docs" / "operations.md"
ACT = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
# What writes a line, in our code: `record` itself, values that become one, and small functions around them.
WRITES = re.compile(r"_?(record|recorded|record_all|note|note_switch|Act|Change|move|act)")


def listed() -> set[str]:
    section = PAGE.read_text().partition("## The record of who did what\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {act for row in rows for act in re.findall(r"`([^`]+)`", row)}


def written(source: str) -> set[str]:
    """Return the acts that a module names where it writes them."""
    found = set()
    for call in ast.walk(ast.parse(source)):
        name = getattr(call.func, "attr", getattr(call.func, "id", "")) if isinstance(call, ast.Call) else ""
        if WRITES.fullmatch(name):
            words = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            found |= {word for word in words if ACT.fullmatch(word)}
    return found


def test_every_recorded_act_is_on_its_page() -> None:
    sources = [text for path in modules() if re.search(r"copydesk\.audit|Change\(|\bAct\(", text := path.read_text())]
    acts = set().union(*map(written, sources))
    assert len(acts) >= 20
    assert sorted(acts - listed()) == [], "add them to the list in platform/docs/operations.md"


def test_every_act_of_the_list_is_written_somewhere() -> None:
    code = "".join(path.read_text() for path in modules())
    assert [act for act in sorted(listed()) if f'"{act}"' not in code] == []
