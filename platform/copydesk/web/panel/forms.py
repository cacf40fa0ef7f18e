"""Forms from declarations: what a field of a setting looks like, and what a sent form changes.

One `Declared` makes the field, its hint, its bounds and how its text is read. Whether the values go together is asked
of the settings desk afterwards; nothing is stored here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.tenancy import Tenant
from copydesk.tenancy.declared import Declared, Kind
from copydesk.web.panel.standing import Standing, standing_of
from copydesk.web.panel.words import OWN_HINTS, choice_words, hint_words, label_of
from copydesk.web.panel.written import is_percent, unit_of, written

Typed = MultiDict[str, str]

BACK = ":back"  # Behind a key: the tick that takes the panel's own value back.
SHOWN = ":shown"  # Behind a key: the form had a tick for it, so that none sent means "off".
_TEXT_LENGTH_MAX = 20_000
_DECIMALS_MAX, _DIGITS_MAX = 12, 15
STORED_FILE = re.compile(r"stored:[0-9a-f]{32}\.[a-z0-9]{2,5}")
# What has no field of its own: tables have an editor, secrets have the vault.
_NO_FIELD = frozenset({Kind.LIST, Kind.MAPPING, Kind.SECRET})


@dataclass(frozen=True)
class Parsed:
    """What a form changes by dotted key, None for "back to the file's value"; and one sentence for each wrong field."""

    changes: Mapping[str, object | None] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One field as a template shows it. `text` is what stands in it, `standing` what holds now and who said so."""

    declared: Declared
    label: str
    text: str
    standing: Standing
    error: str = ""
    back: bool = False
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.declared.key

    @property
    def kind(self) -> str:
        """Name the field that shows it: lines, tick, choice, color, file, number or text."""
        if self.declared.many or self.declared.kind is Kind.LINES:
            return "lines"
        return _FIELD_OF.get(self.declared.kind, "text")

    @property
    def unit(self) -> str:
        return unit_of(self.declared)

    @property
    def hint(self) -> str:
        """Return the help with the default and the bounds, as the form shows it under the name."""
        return hint_words(self.declared)

    @property
    def options(self) -> list[tuple[str, str]]:
        """Return what can be chosen, with the words for it."""
        choices = self.choices or tuple(str(choice) for choice in self.declared.choices)
        return [(choice, choice_words(self.declared.key, choice)) for choice in choices]

    @property
    def needed(self) -> bool:
        """Tell whether the browser may insist on it: what has a value below it may be left empty."""
        return self.declared.required and self.kind not in {"tick", "file"}


_FIELD_OF = {
    Kind.SWITCH: "tick",
    Kind.CHOICE: "choice",
    Kind.COLOR: "color",
    Kind.FILE: "file",
    Kind.WHOLE: "number",
    Kind.NUMBER: "number",
}


def form_of(
    declareds: Iterable[Declared],
    tenant: Tenant,
    typed: Typed | None = None,
    errors: Mapping[str, str] | None = None,
    choices: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Row, ...]:
    """Return the fields of these declarations: with what was typed where a form was sent, else with what holds now."""
    shown = (one for one in declareds if one.kind not in _NO_FIELD)
    return tuple(_row(one, tenant, typed, errors or {}, (choices or {}).get(one.key, ())) for one in shown)


def parse(typed: Typed, declareds: Iterable[Declared], tenant: Tenant) -> Parsed:
    """Read what a sent form changes against what holds now. A field that the form did not have is left alone."""
    changes: dict[str, object | None] = {}
    errors: dict[str, str] = {}
    for one in declareds:
        standing = standing_of(tenant, one.key)
        if typed.get(one.key + BACK):
            changes.update({one.key: None} if standing.overridden else {})
            continue
        if one.kind in _NO_FIELD or not _was_shown(one, typed) or _is_no_file(one, typed):
            continue
        try:
            value = read(one, typed)
        except ValueError as wrong:
            errors[one.key] = f"{label_of(one.key)}: {wrong}"
            continue
        if value != standing.value and not (value is None and not standing.overridden and not standing.value):
            changes[one.key] = value
    return Parsed(changes, errors)


def read(declared: Declared, typed: Typed) -> object | None:
    """Read one field's text as the YAML would give its value; raises `ValueError` with what was expected and found.

    None is what an optional field left empty says: back to the value below.
    """
    text = typed.get(declared.key, "").replace("\0", "").replace("\r\n", "\n")[:_TEXT_LENGTH_MAX]
    if declared.kind is Kind.SWITCH:
        return bool(text)
    if declared.many or declared.kind is Kind.LINES:
        return [line.strip() for line in text.split("\n") if line.strip()]
    text = text.strip()
    if not text and not declared.required:
        return "" if declared.default == "" else None
    if declared.kind in {Kind.WHOLE, Kind.NUMBER}:
        return _number(declared, text)
    if declared.choices and text not in {str(choice) for choice in declared.choices}:
        known = ", ".join(str(choice) for choice in declared.choices)
        raise ValueError(gettext('expected one of %(known)s, found "%(found)s"', known=known, found=text))
    return text


def _row(
    declared: Declared, tenant: Tenant, typed: Typed | None, errors: Mapping[str, str], choices: tuple[str, ...]
) -> Row:
    standing = standing_of(tenant, declared.key)
    sent = typed is not None and _was_shown(declared, typed)
    text = typed.get(declared.key, "") if typed is not None and sent else written(declared, standing.value)
    back = typed is not None and bool(typed.get(declared.key + BACK))
    return Row(
        declared=declared,
        label=label_of(declared.key),
        text=text,
        standing=standing,
        error=errors.get(declared.key, ""),
        back=back,
        choices=choices,
    )


def _was_shown(declared: Declared, typed: Typed) -> bool:
    return declared.key in typed or declared.key + SHOWN in typed


def _number(declared: Declared, text: str) -> int | Decimal:
    """Read a number with a point or a comma; bounds are the desk's business, for they hold in files too."""
    percent = is_percent(declared)
    try:
        number = Decimal(text.replace(",", ".").removesuffix("%").strip())
    except InvalidOperation:
        number = Decimal("NaN")
    whole = declared.kind is Kind.WHOLE
    if not fits_a_field(number) or (whole and number != number.to_integral_value()):
        expected = gettext("a whole number") if whole else gettext("a number")
        raise ValueError(gettext('expected %(expected)s, found "%(found)s"', expected=expected, found=text[:40]))
    if whole:
        return int(number)
    return number / 100 if percent else number


def fits_a_field(number: Decimal) -> bool:
    """Tell whether a typed number can be written out again: "1e-999999" would be a page of a million zeros."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DECIMALS_MAX and number.adjusted() <= _DIGITS_MAX


def _is_no_file(declared: Declared, typed: Typed) -> bool:
    """Tell whether a file's field names none that was kept: what it is called in the file is the reseller's to say."""
    return declared.kind is Kind.FILE and not STORED_FILE.fullmatch(typed.get(declared.key, ""))


def has_hint(declared: Declared) -> bool:
    """Tell whether a form shows the declaration's own help."""
    return bool(declared.help) and declared.key not in OWN_HINTS and declared.kind not in _NO_FIELD
