"""Files of older schemas are lifted step by step, and nothing else about them changes."""

from __future__ import annotations

import pytest
from copydesk.tenancy import SCHEMA_VERSION
from copydesk.tenancy.upgrade import STEPS, Changed, changes, upgraded


def test_every_older_schema_has_a_step() -> None:
    assert sorted(STEPS) == list(range(1, SCHEMA_VERSION))


def test_the_theme_boreal_is_called_obsidian_since_schema_2() -> None:
    old: dict[str, object] = {"schema": 1, "brand": {"theme": "boreal", "name": "North"}, "locales": ["en"]}
    new = upgraded(old)
    assert new == {"schema": 2, "brand": {"theme": "obsidian", "name": "North"}, "locales": ["en"]}
    assert changes(old, new) == [Changed(("schema",), 1, 2), Changed(("brand", "theme"), "boreal", "obsidian")]


def test_other_themes_keep_their_names() -> None:
    assert upgraded({"schema": 1, "brand": {"theme": "aurora"}}) == {"schema": 2, "brand": {"theme": "aurora"}}


@pytest.mark.parametrize("version", [2, 3, 0, -1, "1", None, True, 1.0])
def test_a_version_without_a_step_is_left_for_the_check(version: object) -> None:
    data: dict[str, object] = {"schema": version, "brand": {"theme": "boreal"}}
    assert upgraded(data) == data


@pytest.mark.parametrize("brand", [None, "text", {"theme": 7}, {}])
def test_a_file_that_is_wrong_anyway_does_not_stop_a_step(brand: object) -> None:
    assert upgraded({"schema": 1, "brand": brand}) == {"schema": 2, "brand": brand}
