"""Every setting can be looked up by the person who would change it."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from copydesk.bootstrap import declared_settings
from project import ROOT


def test_every_setting_is_documented_in_the_defaults_file_or_the_docs() -> None:
    defaults = set(keys(yaml.safe_load((ROOT / "config" / "defaults.yaml").read_text())))
    docs = "".join(path.read_text() for path in sorted((ROOT / "platform" / "docs").rglob("*.md")))
    assert [s.key for s in declared_settings() if s.key not in defaults and f"`{s.key}`" not in docs] == []


def test_every_setting_explains_itself_in_a_sentence() -> None:
    assert [setting.key for setting in declared_settings() if not setting.help.endswith(".")] == []


def keys(value: object, prefix: str = "") -> Iterator[str]:
    """Write a nested map's keys with points, as settings are named."""
    if not isinstance(value, dict):
        yield prefix
        return
    for name, inner in value.items():
        yield from keys(inner, f"{prefix}.{name}" if prefix else name)
