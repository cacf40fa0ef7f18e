"""Holds what a brand entered against what its provider needs, before anybody is asked. Pure; never tells a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from copydesk.providers.model import Field, Misfit, Provider

_PRINTABLE_MAX = 4_096


def fits(
    providers: Mapping[str, Provider], name: str, public: Mapping[str, str], secrets: Collection[str]
) -> tuple[Misfit, ...]:
    """Return what is wrong with an entry: an unknown provider, a field that it lacks or does not know.

    `secrets` are the names of the secret fields that are set; their values are nobody's business here.
    """
    provider = providers.get(name)
    if provider is None:
        return (Misfit("provider", f"one of {', '.join(sorted(providers))}", name or "nothing"),)
    return (*_kept(provider.public_fields, public), *_named(provider.secrets, secrets))


def shaped(fields: tuple[Field, ...], values: Mapping[str, str]) -> tuple[Misfit, ...]:
    """Return what is wrong with the values themselves, which are not told: somebody may watch the screen."""
    found = []
    for one in fields:
        value = values.get(one.name, "")
        if not value:
            continue
        if not (value.isascii() and value.isprintable()) or " " in value or len(value) > _PRINTABLE_MAX:
            found.append(Misfit(one.name, "one line without spaces", "something else"))
        elif one.starts and not value.startswith(one.starts):
            found.append(Misfit(one.name, f"a value that begins with {' or '.join(one.starts)}", "another beginning"))
    return tuple(found)


def _kept(fields: tuple[Field, ...], given: Mapping[str, str]) -> Iterator[Misfit]:
    yield from _named(fields, given)
    for one in fields:
        value = given.get(one.name)
        if value is not None and one.choices and value not in one.choices:
            yield Misfit(one.name, f"one of {', '.join(one.choices)}", value)


def _named(fields: tuple[Field, ...], given: Collection[str]) -> Iterator[Misfit]:
    known = {one.name for one in fields}
    for name in sorted(set(given) - known):
        yield Misfit(name, f"one of {', '.join(sorted(known))}" if known else "no such field", "an unknown field")
    for one in fields:
        if one.required and one.name not in given:
            yield Misfit(one.name, "a value", "nothing")
