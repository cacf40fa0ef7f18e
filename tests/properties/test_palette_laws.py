"""Whatever a brand chooses, every color on a page has the contrast that it owes there."""

from __future__ import annotations

import re

import pytest
from copydesk.web.oklch import contrast, difference, mixed
from copydesk.web.palette import APART_MIN, EDGE_MIN, TEXT_MIN, Asked, Ground, Grounds, palette
from hypothesis import given, settings
from hypothesis import strategies as st

_COLOR = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
_NEAR_WHITE = st.integers(0, 0x14).map(lambda gray: f"#{0xFF - gray:02x}{0xFF - gray:02x}{0xFF - gray:02x}")
_NEAR_BLACK = st.integers(0, 0x28).map(lambda gray: f"#{gray:02x}{gray:02x}{gray:02x}")
_MAYBE = st.one_of(st.none(), _COLOR)
_ASKED = st.builds(Asked, brand=_COLOR, accent=_MAYBE, up=_MAYBE, down=_MAYBE)
_LIGHT = st.builds(Ground, paper=_NEAR_WHITE, raised=_NEAR_WHITE, ink=_NEAR_BLACK)
_DARK = st.builds(Ground, paper=_NEAR_BLACK, raised=_NEAR_BLACK, ink=_NEAR_WHITE)
_GROUNDS = st.builds(Grounds, light=_LIGHT, dark=_DARK, home=st.sampled_from(["light", "dark"]))
_BOTH = re.compile(r"light-dark\((#\w{6}), (#\w{6})\)")


def of(tokens: dict[str, str], name: str, scheme: str) -> str:
    """Read a token as a browser does in one scheme."""
    found = _BOTH.fullmatch(tokens[name])
    return found[1 if scheme == "light" else 2] if found else tokens[name]


@settings(max_examples=80)
@given(_ASKED, _GROUNDS)
def test_every_promised_contrast_holds_for_any_choice_of_colors(asked: Asked, grounds: Grounds) -> None:
    tokens = dict(palette(asked, grounds).tokens)
    assert tokens["brand"] == asked.brand
    for state in ("brand", "brand-hover", "brand-press"):
        assert contrast(tokens["on-brand"], tokens[state]) >= TEXT_MIN
    for scheme, ground in (("light", grounds.light), ("dark", grounds.dark)):
        papers = (ground.paper, ground.raised, mixed(ground.ink, 0.05, ground.paper))
        for ink in (of(tokens, f"{name}-ink", scheme) for name in ("brand", "up", "down", "warn", "info")):
            assert min(contrast(ink, paper) for paper in papers) >= TEXT_MIN
            assert contrast(ink, mixed(ink, 0.12, ground.raised)) >= TEXT_MIN
        for edge in (of(tokens, name, scheme) for name in ("focus", "brand-edge")):
            assert min(contrast(edge, paper) for paper in papers) >= EDGE_MIN
        assert difference(of(tokens, "up-ink", scheme), of(tokens, "down-ink", scheme)) >= APART_MIN


@settings(max_examples=40)
@given(_COLOR, _GROUNDS)
def test_a_color_that_can_be_read_as_it_is_stays_as_it_is(color: str, grounds: Grounds) -> None:
    made = palette(Asked(color), grounds)
    for scheme, ground in (("light", grounds.light), ("dark", grounds.dark)):
        papers = (ground.paper, ground.raised, mixed(ground.ink, 0.05, ground.paper), mixed(color, 0.14, ground.raised))
        if min(contrast(color, paper) for paper in papers) >= TEXT_MIN + 0.1:
            assert of(dict(made.tokens), "brand-ink", scheme) == color
            assert not [one for one in made.adjusted if one.token == "brand-ink" and one.scheme == scheme]


@pytest.mark.parametrize("brand", ["#c2410c", "#22d3ee", "#3556c4"])
def test_what_is_hardly_moved_is_no_correction(brand: str) -> None:
    home = "dark" if brand == "#22d3ee" else "light"
    assert palette(Asked(brand), Grounds(home=home)).corrections == ()


def test_a_correction_says_where_what_was_asked_fails_and_what_is_used_instead() -> None:
    (correction,) = palette(Asked("#fde047")).corrections
    assert (correction.token, correction.scheme, correction.asked, correction.needed) == (
        "brand-ink",
        "light",
        "#fde047",
        4.5,
    )
    assert correction.ratio < 1.5
    assert str(correction) == (
        "colors.brand #fde047 has a contrast of 1.1 as text on this theme's light paper where 4.5 is needed: "
        f"{correction.used} is used there"
    )


def test_two_colors_that_look_alike_are_not_used_for_up_and_down() -> None:
    made = palette(Asked("#3556c4", up="#888888", down="#8a8a8a"))
    assert [one.token for one in made.corrections if one.needed < 1] == ["down-ink"]
    assert "looks too much like colors.up" in str(made.corrections[-1])
