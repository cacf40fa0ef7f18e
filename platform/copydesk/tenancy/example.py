"""Writes `tenants/_example/tenant.yaml` from the declarations: every key with what it means, takes and defaults to.

Required keys stand there with a value; every other one is commented out, without a space after the `#`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from copydesk.kernel import SettingRegistry, registry
from copydesk.tenancy.declared import Declared, declared
from copydesk.tenancy.kinds import Kind
from copydesk.tenancy.schema import SCHEMA_VERSION
from copydesk.tenancy.telling import facts, yaml_of

_WIDTH = 118
_HEAD = """\
# Every key of a brand's tenants/<slug>/tenant.yaml. Made by `copydesk config example > tenants/_example/tenant.yaml`
# from the declarations in the code; a test fails when this file is older. Folders that begin with _ are not served.
#
# Required keys stand here with a value. The others are commented out, without a space after the #, with what holds
# where they are left out, or with an example. `copydesk tenant new` writes a file that holds what a brand needs.
"""
# What stands behind keys that have no default. A test fails for a key that has neither.
SAMPLES: Mapping[str, object] = {
    "schema": SCHEMA_VERSION,
    "brand.name": "Example",
    "brand.tagline": "Copy with care",
    "brand.hosts": ["example.localhost"],
    "brand.theme": "aurora",
    "brand.colors.brand": "#c2410c",
    "brand.colors.accent": "#f59e0b",
    "brand.colors.up": "#0f766e",
    "brand.colors.down": "#b4234a",
    "brand.logo": "logo.svg",
    "brand.favicon": "favicon.svg",
    "brand.font": "font.woff2",
    "locales": ["en"],
    "locale_default": "en",
    "exchanges[].venue": "binance",
    "exchanges[].environment": "lab",
    "exchanges[].markets": ["BTC/USDT", "BTC/USDT:USDT"],
    "exchanges[].broker_id": "exampl1",
    "markets.*.leverage_max": 20,
    "smtp.host": "mail.example.com",
    "smtp.username": "example",
    "smtp.password": "secret:smtp_password",
    "smtp.from": "hello@example.com",
    "payments[].provider": "stripe",
    "payments[].public": {"publishable_key": "pk_live_1"},
    "payments[].secrets": {"api_key": "secret:stripe_key"},
    "kyc.provider": "sumsub",
    "kyc.public": {"level": "basic"},
    "kyc.secrets": {"app_key": "secret:kyc_key"},
    "wording": {"en": {"Trader": "Master trader"}},
    "letters.*.*.subject": "Please confirm your address",
    "letters.*.*.lines": ["Welcome.", "Follow the link to confirm your address."],
}
# The names of a brand's own choice below a map, from the outside in.
_NAMES: Mapping[str, tuple[str, ...]] = {"markets": ("BTC/USDT:USDT",), "letters": ("verify_email", "en")}


def example(settings: SettingRegistry = registry) -> str:
    """Return the whole file."""
    return _HEAD + "\n".join(_lines(list(declared(settings)))) + "\n"


def _lines(every: list[Declared]) -> Iterator[str]:
    written: set[str] = set()
    for one in every:
        yield from _above(one, written)
        if not one.key.count("."):
            yield ""
        yield from _entry(one, every)
        written.add(one.key)


def _above(one: Declared, written: set[str]) -> Iterator[str]:
    """Begin the maps around a setting that are no declared keys themselves (`risk`, `risk.profiles`)."""
    words = one.key.split(".")
    for length in range(1, len(words)):
        key = ".".join(words[:length])
        if one.installation and key not in written:
            written.add(key)
            yield from ([""] if length == 1 else [])
            yield f"{'  ' * (length - 1)}#{words[length - 1]}:"


def _entry(one: Declared, every: list[Declared]) -> Iterator[str]:
    indent = "  " * _depth(one.key)
    said = " ".join([one.help, *facts(one)])
    yield from (f"{indent}# {line}" for line in textwrap.wrap(said, _WIDTH - len(indent)))
    opened = indent[2:] + "- " if _begins_item(one, every) else indent
    bare, mark = opened.lstrip(), "" if _stands(one, every) else "#"
    name = f"{' ' * (len(opened) - len(bare))}{mark}{bare}{one.key.rpartition('.')[2]}:"
    if any(inner.key.startswith((f"{one.key}.", f"{one.key}[]")) for inner in every):
        yield name
        for level, own in enumerate(_NAMES.get(one.key, ()), start=1):
            yield f"{indent}{'  ' * level}#{yaml_of(own)}:"
        return
    value = SAMPLES.get(one.key, one.default)
    if isinstance(value, list) and len(value) > 4:
        yield name
        yield from (f"{indent}  {mark}- {yaml_of(item)}" for item in value)
    else:
        yield f"{name} {yaml_of(value)}"


def _depth(key: str) -> int:
    """Return how far a key is indented: an entry of a list lies two deeper, for its hyphen."""
    return key.count(".") + key.count("[]")


def _begins_item(one: Declared, every: list[Declared]) -> bool:
    within = one.key.rpartition("[].")[0]
    return bool(within) and next(inner for inner in every if inner.key.startswith(f"{within}[].")) is one


def _stands(one: Declared, every: list[Declared]) -> bool:
    """Tell whether a key is written without `#`: it is required, and so is all around it."""
    around = [inner for inner in every if inner.kind in (Kind.MAPPING, Kind.LIST) and _is_around(inner.key, one.key)]
    return one.required and all(inner.required for inner in around)


def _is_around(outer: str, inner: str) -> bool:
    return inner.startswith((f"{outer}.", f"{outer}[]"))
