"""Every form of followers and traders: what cannot be is kept, marked and not stored; what comes twice is done once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import unescape

import pytest
from bare_layout import bare_themes
from copydesk.stack import RedisServer
from form_place import Place, open_place
from site_seed import FakeRuntime

_DIRECTION, _CONTROL = "1\u202e0", "5\x0700"
NUMBERS = ("words", "-5", "9" * 39, _DIRECTION)
AMOUNTS = ("", "0", "0.0000000000000000001", "NaN", "1e400", "1,2,3", _CONTROL, *NUMBERS)
CHOICES = ("", "\u202eevil<i>\x07")
PRICES = ("0", "9" * 39, _DIRECTION)


@dataclass(frozen=True)
class Form:
    """A form: who sends it where, what is right in it, and by field what is not."""

    who: str
    path: str
    bad: Mapping[str, tuple[str, ...]]
    good: Mapping[str, str] = field(default_factory=dict)
    page: str = ""


APPLY = {
    "account": "{account}",
    "name": "Night Runner",
    "summary": "Sells weakness in liquid coins.",
    "profit_share": "12.5",
    "min_allocation": "250",
    "positions": "delayed",
    "agree": "yes",
}
COPY = {"account": "{free}", "amount": "100", "profile": "balanced", "sizing": "multiplier", "value": "1"}
TRANSFER = {"currency": "USDT", "amount": "5", "source": "spot", "target": "funding", "after": "0"}
LONG = "word " * 600
TICKET = {"symbol": "BTC/USDT", "ticket": "one", "side": "buy", "type": "limit", "unit": "base", "qty": "1", "px": "10"}
FORMS = (
    Form("follower", "/copying/{subscription}/allocation", {"amount": AMOUNTS}),
    Form(
        "follower",
        "/copying/{subscription}/limits",
        {"drawdown": ("0", "words", _DIRECTION), "loss_day": ("100", _CONTROL)},
    ),
    Form("follower", "/copying/{subscription}/stop", {"mode": CHOICES}),
    Form("follower", "/copying/stop-everything", {"how": CHOICES}),
    Form(
        "follower",
        "/strategies/dawn/copy",
        {"account": ("", "{stranger}"), "amount": ("", _DIRECTION), "profile": CHOICES[1:], "value": ("0", _CONTROL)},
        COPY,
    ),
    Form(
        "follower",
        "/wallets/{free}/move",
        {"amount": ("99999", *NUMBERS), "currency": ("", "'; --", "\u202eUSD"), "source": CHOICES, "target": CHOICES},
        TRANSFER,
    ),
    Form(
        "follower",
        "/notices/settings",
        {"quiet_from": ("25:00", "late", "-1:00", "\u202e09:00", "9" * 40), "digest": CHOICES[1:]},
        {"quiet_from": "22:00", "quiet_until": "07:00"},
    ),
    Form("follower", "/notices/webhook", {"url": ("", "words", "http://x.example", "https://[", "https://10.0.0.1/x")}),
    Form("follower", "/account/preferences", {"time_zone": ("Mars/Base", "\u202eUTC", "../etc"), "scheme": ("pink",)}),
    Form(
        "trader",
        "/studio/apply",
        {
            "account": (*CHOICES, "{stranger}"),
            "name": ("", "x", LONG, "a\u202eb cd", "Night\x07Runner"),
            "summary": ("", "short", LONG, "abc\u200fdef ghijkl\x07"),
            "profit_share": ("", "101", _DIRECTION),
            "min_allocation": ("-5", "9" * 39),
            "followers_max": ("0", "1.5", _CONTROL),
            "positions": CHOICES[1:],
            "agree": ("", "no"),
        },
        APPLY,
    ),
    Form("trader", "/studio/{strategy}/announcements", {"body": ("", "   ", LONG)}),
    Form("trader", "/studio/{strategy}/invitations", {"label": (LONG,)}),
    Form("trader", "/studio/{strategy}/close", {"confirmed": ("", "no")}, page="/studio/{strategy}/manage"),
    Form(
        "trader",
        "/terminal/{account}/order",
        {
            "qty": ("", "0", *NUMBERS),
            "px": ("", "words", _CONTROL),
            "side": CHOICES[:1],
            "type": CHOICES[1:],
            "take_profit_px": PRICES,
            "stop_loss_px": PRICES[:1],
            "force": CHOICES[1:],
        },
        TICKET,
        page="/terminal/{account}?symbol=BTC/USDT",
    ),
)
CASES = [(form, name) for form in FORMS for name in form.bad]


@pytest.fixture(scope="module")
def place(
    runtime: FakeRuntime, redis_server: RedisServer, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    bare = replace(runtime, themes_dir=bare_themes(runtime.themes_dir, tmp_path_factory.mktemp("themes")))
    with open_place(bare, redis_server.url, database_url) as place:
        yield place


@pytest.mark.parametrize(("form", "name"), CASES, ids=[f"{form.path} {name}" for form, name in CASES])
def test_what_cannot_be_is_kept_marked_explained_and_not_stored(place: Place, form: Form, name: str) -> None:
    browser, path = place.browsers[form.who], place.filled(form.path)
    good = {key: place.filled(value) for key, value in form.good.items()}
    before, wrong = place.count(), []
    for template in form.bad[name]:
        typed = place.filled(template)
        answer = browser.post(path, data={"csrf_token": place.tokens[form.who], **good, name: typed})
        found = "" if answer.status_code == 422 else f"status {answer.status_code}"
        if found or (found := amiss(answer.text, name, typed, {**good, name: typed})):
            wrong.append(f"{typed[:40]!r}: {found}")
    assert not wrong, "\n".join(wrong)
    assert place.count() == before


def amiss(page: str, name: str, typed: str, sent: Mapping[str, str]) -> str:
    """Say what a page lacks that shows a form again, "" where nothing."""
    if 'id="form-errors"' not in page or 'role="alert"' not in page:
        return "no summary says what is wrong"
    control = re.search(rf'<(\w+)([^>]*\bid="field-{name}"[^>]*)>', page)
    if control is None:
        return "" if name in _BUTTONS else "the field is not shown"
    tag, attributes = control.groups()
    if f'id="error-{name}"' not in page or f"error-{name}" not in attributes:
        return "the field is not tied to what is wrong with it"
    if tag != "fieldset" and 'aria-invalid="true"' not in attributes:
        return "the field is not marked"
    lost = [key for key in sent if key in _TEXTS and key != name and f'value="{sent[key]}"' not in page]
    if lost:
        return f"{lost} are lost"
    kept = shown_in(page, tag, attributes, name)
    if kept is None or (plain(typed).startswith(plain(kept)) and bool(plain(kept)) is bool(plain(typed))):
        return ""
    return f"it shows {kept[:40]!r}"


# What is chosen by pressing one of several buttons has no field of its own.
_BUTTONS = frozenset({"mode", "how"})
_TEXTS = frozenset({"amount", "name", "profit_share", "min_allocation", "quiet_until", "qty"})


def shown_in(page: str, tag: str, attributes: str, name: str) -> str | None:
    """Return what a field holds, None for one that is chosen from a list."""
    if tag == "textarea":
        return unescape(page.partition(f'id="field-{name}"')[2].partition(">")[2].partition("</textarea>")[0])
    value = re.search(r'\bvalue="([^"]*)"', attributes)
    return unescape(value[1]) if tag == "input" and value and 'type="checkbox"' not in attributes else None


def plain(words: str) -> str:
    return " ".join(words.replace("\0", "").split())


def test_the_same_form_of_an_invitation_shows_the_same_link_and_another_form_another(place: Place) -> None:
    browser, path = place.browsers["trader"], "/studio/own/invitations"
    data = {"csrf_token": place.tokens["trader"], "label": "Another friend"}
    shown = [browser.post(path, data=data | {"form": form}).text for form in ("a" * 32, "a" * 32, "b" * 32)]
    links = [re.findall(r"/invitation/([\w-]{30,})", page) for page in shown]
    assert links[0] and links[0] == links[1] != links[2]


@dataclass(frozen=True)
class Act:
    """Something that is done by a form once, however often the form comes. `again`: what a second press may record."""

    who: str
    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    again: int = 0


ACTS = (
    Act("follower", "/copying/{subscription}/allocation", {"amount": "600", "confirmed": "yes"}),
    Act("follower", "/copying/{subscription}/limits", {"drawdown": "20", "confirmed": "yes"}),
    Act("follower", "/copying/{subscription}/pause"),
    Act("follower", "/copying/{subscription}/resume"),
    Act("follower", "/wallets/{free}/move", {**TRANSFER, "amount": "7"}),
    Act("follower", "/strategies/dawn/copy", {**COPY, "amount": "100"}),
    Act("follower", "/strategies/dawn/watch"),
    Act("follower", "/strategies/dawn/unwatch"),
    Act("follower", "/copying/stop-everything", {"how": "pause"}, again=1),
    Act("follower", "/copying/stop-everything", {"how": "close"}, again=1),
    Act("follower", "/copying/{subscription}/stop", {"mode": "manage_until_exit"}),
    Act("follower", "/notices/settings", {"quiet_from": "22:00", "quiet_until": "07:00", "digest": "none"}),
    Act("trader", "/studio/own/announcements", {"body": "Smaller from tomorrow on."}),
    Act("trader", "/studio/own/invitations", {"label": "A friend", "form": "f" * 32}),
    Act("trader", "/studio/apply", APPLY),
    Act("trader", "/terminal/{account}/order", {**TICKET, "ticket": "pressed twice"}),
    Act("trader", "/terminal/{account}/cancel-all", {"symbol": "BTC/USDT"}),
    Act("trader", "/terminal/{account}/close", {"symbol": "BTC/USDT"}),
    Act("trader", "/studio/own/pause"),
    Act("trader", "/studio/own/resume"),
    Act("trader", "/studio/own/close", {"confirmed": "yes"}),
)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.path} {act.fields.get('how', '')}".strip())
def test_a_form_that_comes_twice_does_it_once_and_looks_the_same(place: Place, act: Act) -> None:
    browser, path = place.browsers[act.who], place.filled(act.path)
    data = {"csrf_token": place.tokens[act.who], **{name: place.filled(value) for name, value in act.fields.items()}}
    before = place.count()
    first = browser.post(path, data=data)
    once = place.count()
    second = browser.post(path, data=data)
    assert first.status_code in {200, 303}, first.text
    assert (second.status_code, second.location) == (first.status_code, first.location)
    assert sum(place.count()) - sum(once) == act.again
    assert once != before or path.endswith(("/unwatch", "/watch", "/settings"))


def test_a_second_transfer_waits_for_a_look_at_the_first_and_goes_then(place: Place) -> None:
    browser, path = place.browsers["follower"], place.filled("/wallets/{free}/move")
    known = re.findall(r'name="after" value="(\d+)"', browser.get(path).text)
    data = {"csrf_token": place.tokens["follower"], **TRANSFER, "amount": "11", "after": known[0]}
    assert browser.post(path, data=data).status_code == 303
    other = browser.post(path, data=data | {"amount": "12"})
    assert other.status_code == 422 and "Another transfer was asked for meanwhile." in other.text
    (shown,) = re.findall(r'name="after" value="(\d+)"', other.text)
    assert browser.post(path, data=data | {"amount": "12", "after": shown}).status_code == 303
