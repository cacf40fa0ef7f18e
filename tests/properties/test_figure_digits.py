"""Figures are written as the Unicode locale data has them, digit for digit, in every language of the site."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from babel import Locale
from babel.numbers import parse_pattern
from copydesk.web.format import figure
from copydesk.web.speaking import LOCALES, speaking
from hypothesis import given, settings
from hypothesis import strategies as st

PATTERNS = ("#,##0", "#,##0.0", "#,##0.00", "#,##0.##", "#,##0.0###", "#,##0.########")


@settings(max_examples=120)
@given(data=st.data())
@pytest.mark.parametrize("locale", LOCALES)
def test_digits_are_those_of_the_locale(locale: str, data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(PATTERNS))
    value = data.draw(st.decimals(-(10**12), 10**12, places=data.draw(st.integers(0, 12))))
    rounded = value.quantize(Decimal(1).scaleb(-len(pattern.partition(".")[2])), ROUND_HALF_EVEN)
    expected = parse_pattern(pattern).apply(abs(rounded), Locale.parse(locale), decimal_quantization=False)
    with speaking(locale):
        assert figure(value, pattern).strip("\u2066\u2069−") == expected
