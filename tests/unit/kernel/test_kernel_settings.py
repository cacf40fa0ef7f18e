"""Every declared setting has one home."""

from __future__ import annotations

import pytest
from copydesk.kernel import Setting, SettingRegistry

SPEED = Setting("desk.speed", default=3, help="How fast, in steps.")


def test_a_declared_setting_is_found_by_its_key() -> None:
    settings = SettingRegistry()
    assert settings.declare(SPEED) is SPEED
    assert settings["desk.speed"] is SPEED
    assert "desk.speed" in settings
    assert "desk.slow" not in settings


def test_settings_are_listed_by_key() -> None:
    settings = SettingRegistry()
    for key in ("b.x", "a.x", "b.a"):
        settings.declare(Setting(key, default=0, help="x"))
    assert [setting.key for setting in settings] == ["a.x", "b.a", "b.x"]


def test_declaring_a_key_twice_is_our_bug() -> None:
    settings = SettingRegistry()
    settings.declare(SPEED)
    with pytest.raises(AssertionError, match=r"desk\.speed is declared twice"):
        settings.declare(Setting("desk.speed", default=4, help="Another."))


def test_a_registry_knows_the_maps_that_hold_its_settings() -> None:
    settings = SettingRegistry()
    assert (len(settings), settings.sections) == (0, frozenset())
    for key in ("b.inner.one", "a.two"):
        settings.declare(Setting(key, default=1, help="One."))
    assert (len(settings), settings.sections) == (2, {"a", "b"})
    assert [key for key in ("a", "b", "b.inner", "b.inner.one", "a.two", "c") if settings.holds(key)] == [
        "a",
        "b",
        "b.inner",
    ]
    assert [setting.key for setting in settings] == ["a.two", "b.inner.one"]
    settings.declare(Setting("a.one", default=1, help="One."))
    assert next(iter(settings)).key == "a.one"
