"""The text of a new brand's `tenant.yaml`, from complete answers. Pure."""

from __future__ import annotations

from copydesk.cli.tenant_answers import Answers
from copydesk.cli.yaml_text import block, written
from copydesk.tenancy.schema import SCHEMA_VERSION

_TEXT = """\
# {name}. Every key with its meaning, bounds and default stands in tenants/_example/tenant.yaml.
# `copydesk tenant check {slug}` finds what is wrong with this file; saving it is publishing it.
schema: {schema}

brand:
{brand}
locales: {locales}
locale_default: {locale_default}
time_zone: {time_zone}
currency: {currency}

# {where}
{exchanges}"""
_LAB = "`lab` is the simulated exchange; a brand that trades for real says `live` and adds its broker_id."
_LIVE = "Real exchanges. A broker_id beside `venue` earns the rebate of each."


def tenant_text(answers: Answers) -> str:
    """Write the file of a new brand."""
    on_lab = any(environment == "lab" for _, environment, _ in answers.exchanges)
    return _TEXT.format(
        name=answers.name,
        slug=answers.slug,
        schema=SCHEMA_VERSION,
        brand=_brand(answers),
        locales=written(answers.locales),
        locale_default=written(answers.locales[0]),
        time_zone=written(answers.time_zone),
        currency=written(answers.currency),
        where=_LAB if on_lab else _LIVE,
        exchanges=block("exchanges", _exchanges(answers)),
    )


def logo_name(answers: Answers) -> str | None:
    """Return the name that a brand's logo gets beside its file."""
    return None if answers.logo is None else f"logo{answers.logo.suffix.lower()}"


def _brand(answers: Answers) -> str:
    told: dict[str, object] = {
        "name": answers.name,
        "tagline": answers.tagline,
        "hosts": answers.hosts,
        "theme": answers.theme,
        "colors": {"brand": answers.color},
    }
    if logo := logo_name(answers):
        told["logo"] = logo
    return "".join(block(key, value, indent=2) for key, value in told.items())


def _exchanges(answers: Answers) -> list[dict[str, object]]:
    return [
        {"venue": venue, "environment": environment, "markets": markets}
        for venue, environment, markets in answers.exchanges
    ]
