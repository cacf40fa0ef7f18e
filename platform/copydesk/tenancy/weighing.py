"""Weighs a change of settings: which keys it may touch, and which of them want a second person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from copydesk.kernel import SettingRegistry, registry
from copydesk.tenancy.cascade import setting_value, shape_value
from copydesk.tenancy.declared import Declared, declared, override_key
from copydesk.tenancy.model import Tenant, TenantError
from copydesk.tenancy.overlay import packed_text, same
from copydesk.tenancy.values import plain, unknown_key


def effective(tenant: Tenant, key: str, settings: SettingRegistry = registry) -> object:
    """Return the value of a key that holds for a brand, as YAML would give it; None where nothing stands."""
    if key in settings:
        return plain(setting_value(tenant, settings[key]))
    return shape_value(tenant, key)


def unknown_keys(changes: Mapping[str, object | None], settings: SettingRegistry = registry) -> list[TenantError]:
    """Report keys that no override replaces; one that is taken away may be of an older release."""
    wrong = [key for key, put in changes.items() if put is not None and override_key(key, settings) is None]
    names = [one.key for one in declared(settings) if override_key(one.key, settings)] if wrong else []
    return [
        _error(key, "this setting in config/defaults.yaml only", "it in a panel")
        if key in settings
        else _error(key, unknown_key(key, names), f"the unknown key {key}")
        for key in wrong
    ]


def reserved_keys(
    before: Tenant, fresh: Tenant, changes: Iterable[str], settings: SettingRegistry = registry
) -> list[TenantError]:
    """Report what only the operator changes."""
    known = (override_key(key, settings) for key in changes)
    return [error for one in known if one for error in _reserved(before, fresh, one, settings)]


def sensitive_changes(
    before: Tenant, fresh: Tenant, changes: Iterable[str], settings: SettingRegistry = registry
) -> list[str]:
    """Name the sensitive keys whose value a change really moves."""
    changed = set(changes)
    return [
        one.key
        for one in declared(settings)
        if one.sensitive and one.whole in changed and _moves(before, fresh, one, settings)
    ]


def _moves(before: Tenant, fresh: Tenant, one: Declared, settings: SettingRegistry) -> bool:
    was, now = (effective(tenant, one.whole, settings) for tenant in (before, fresh))
    if one.whole == one.key:
        return not same(was, now)
    first, second = (dict(_inside(value, _path(one), ())) for value in (was, now))
    places = first.keys() | second.keys()
    return any(not same(first.get(place, one.default), second.get(place, one.default)) for place in places)


def _reserved(before: Tenant, fresh: Tenant, known: Declared, settings: SettingRegistry) -> list[TenantError]:
    """A key that is not the panel's stays as it is; within a list it takes only values that were there before."""
    if not known.panel:
        if same(effective(before, known.key, settings), effective(fresh, known.key, settings)):
            return []
        return [_error(known.key, "what only the operator changes, unchanged", "another value")]
    errors = []
    for one in declared(settings):
        if one.whole == known.key and not one.panel and one.key != known.key:
            was, now = (
                {packed_text(value) for _, value in _inside(effective(tenant, known.key, settings), _path(one), ())}
                for tenant in (before, fresh)
            )
            if not now <= was:
                found = ", ".join(sorted(now - was))
                errors.append(_error(one.key, f"one of {', '.join(sorted(was))} (the operator adds others)", found))
    return errors


def _path(one: Declared) -> list[str]:
    """Return the steps from the whole to a key inside it: `*` for each entry of a list or map."""
    rest = one.key[len(one.whole) :].replace("[]", ".*")
    return [step for step in rest.split(".") if step]


def _inside(value: object, path: list[str], place: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], object]]:
    if not path:
        yield place, value
        return
    step, *rest = path
    if step != "*":
        if isinstance(value, Mapping) and value.get(step) is not None:
            yield from _inside(value[step], rest, place)
        return
    entries = value.items() if isinstance(value, Mapping) else enumerate(value if isinstance(value, list) else ())
    for name, inner in entries:
        yield from _inside(inner, rest, (*place, name))


def _error(key: str, expected: str, found: str) -> TenantError:
    return TenantError("this change", 0, key, expected, found)
