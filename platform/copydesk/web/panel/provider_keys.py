"""Entering a provider's keys: looked at, proved by the provider, sealed, and only then part of a change.

The provider's "no" refuses the whole; where nobody answered the visitor may store the keys all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import current_app, request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.providers import Given, Outcome, Probe, Provider, fits, probe, shaped
from copydesk.web.access import needs
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.desk import current_brand
from copydesk.web.panel.forms import Typed
from copydesk.web.panel.kept_secrets import keep_secrets, secret_value
from copydesk.web.panel.provider_editor import GONE, KEY, PROVIDER, SECRET, ProvidersEditor, field_errors
from copydesk.web.panel.saving import look, publish, show_section
from copydesk.web.panel.sections import Section, named

P = Permission
Answer = AnyResponse | tuple[str, int] | str
Asking = Callable[[Provider, Given], Probe]
EXTENSION = "copydesk_probe"
_KEY_CHARS_MAX = 4_096
_ANYWAY = "anyway"


@panel.get("/payments")
@needs(P.SETTINGS_READ)
def payments() -> Answer:
    return show_section(named("payments"))


@panel.post("/payments")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def enter_payments() -> Answer:
    return _enter(named("payments"))


@panel.post("/payments/publish")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def publish_payments() -> Answer:
    return publish(named("payments"))


@panel.get("/kyc")
@needs(P.SETTINGS_READ)
def kyc() -> Answer:
    return show_section(named("kyc"))


@panel.post("/kyc")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def enter_kyc() -> Answer:
    return _enter(named("kyc"))


@panel.post("/kyc/publish")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def publish_kyc() -> Answer:
    return publish(named("kyc"))


def _enter(section: Section) -> Answer:
    """Answer a form with keys: only test them, or seal them and show what would change."""
    editor, typed, entered = _editor(section), _without_keys(), _entered()
    act = request.form.get("act", "")
    if request.form.get("step") == "edit" or typed.get(GONE):
        return look(section, typed)
    provider = editor.book.providers.get(typed.get(PROVIDER, ""))
    if provider is None:
        return look(section, typed)  # Says which there are.
    if errors := _wrong(editor, provider, typed, entered):
        return show_section(section, typed, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    found = _ask(editor, provider, typed, entered)
    if act == "test":
        return show_section(section, typed, tested=(found.ok, probe_words(provider, found)))
    if not found.ok and (found.outcome is Outcome.REFUSED or not request.form.get(_ANYWAY)):
        errors = {"": probe_words(provider, found)}
        offered = found.outcome is not Outcome.REFUSED
        return show_section(section, typed, errors, anyway=offered), HTTPStatus.UNPROCESSABLE_ENTITY
    for name, reference in keep_secrets(editor.prefix(provider), entered).items():
        typed[SECRET + name] = reference
    return look(section, typed)


def probe_words(provider: Provider, found: Probe) -> str:
    """Say how a test of keys ended, with the provider's own words where it said any."""
    told = {"name": provider.title, "said": found.said, "status": found.status}
    match found.outcome:
        case Outcome.ACCEPTED:
            return str(gettext("%(name)s accepts these keys.", **told))
        case Outcome.REFUSED if found.said:
            return str(gettext("%(name)s refuses these keys: %(said)s", **told))
        case Outcome.REFUSED:
            return str(gettext("%(name)s refuses these keys (status %(status)s).", **told))
        case Outcome.UNREACHABLE:
            return str(gettext("%(name)s did not answer, so nobody knows whether the keys are right: %(said)s", **told))
        case _:
            return str(gettext("%(name)s answered something else (status %(status)s): %(said)s", **told))


def _wrong(editor: ProvidersEditor, provider: Provider, typed: Typed, entered: dict[str, str]) -> dict[str, str]:
    """Say what is wrong before anybody is asked."""
    entry = editor.entry_of(current_brand(), provider, typed)
    missing = fits(editor.book.providers, provider.name, entry.public, {*entry.secrets, *entered})
    public, secret = shaped(provider.public_fields, entry.public), shaped(provider.secrets, entered)
    return field_errors(provider, (*missing, *public, *secret))


def _ask(editor: ProvidersEditor, provider: Provider, typed: Typed, entered: dict[str, str]) -> Probe:
    """Ask the provider with what was entered, and with what is stored where a field was left empty."""
    entry = editor.entry_of(current_brand(), provider, typed)
    stored = {name: secret_value(reference) for name, reference in entry.secrets.items()}
    known = {name: value for name, value in stored.items() if value} | entered
    missing = [one.label for one in provider.secrets if one.required and one.name not in known]
    if missing:
        return Probe(Outcome.REFUSED, said=gettext("no value is stored for %(names)s", names=", ".join(missing)))
    asking: Asking = current_app.extensions.get(EXTENSION, probe)
    return asking(provider, Given(entry.public, known))


def _editor(section: Section) -> ProvidersEditor:
    assert isinstance(section.editor, ProvidersEditor), "a section of providers has their editor"
    return section.editor


def _entered() -> dict[str, str]:
    """Return the secrets that were typed, by field; fields that were left empty keep what is stored."""
    typed = {name.removeprefix(KEY): value.strip() for name, value in request.form.items() if name.startswith(KEY)}
    return {name: value[:_KEY_CHARS_MAX] for name, value in typed.items() if value}


def _without_keys() -> Typed:
    """Return the form as it may be shown again and carried along: no secret is in it."""
    pairs = request.form.items(multi=True)
    return MultiDict(
        (name, value) for name, value in pairs if not name.startswith(KEY) and name not in {"act", _ANYWAY}
    )
