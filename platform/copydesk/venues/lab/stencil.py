"""Answers and records that differ in a few words only: cut once from two specimens, then filled in for each order.

All in bytes: that is half the price of texts. Whole numbers are written as such, floats with three decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TypeVar

Specimen = TypeVar("Specimen")
Word = bytes | int | float
Words = tuple[Word, ...]
# The words that each order has of its own, and those that it shares with others.
Wording = tuple[Words, Words]
_CODES: dict[type, bytes] = {bytes: b"%b", int: b"%d", float: b"%.3f"}


class Form:
    """A text with places for words."""

    __slots__ = ("_pick", "_text")

    def __init__(self, text: bytes, places: Sequence[int]) -> None:
        assert len(places) > 1, "what holds a single word needs no form"
        self._text = text
        self._pick: Callable[[Words], Words] = itemgetter(*places)

    def fill(self, words: Words) -> bytes:
        """Write the text with these words."""
        return self._text % self._pick(words)


class Stencil:
    """A text in pieces between words; `places` tell which word stands after each piece but the last."""

    __slots__ = ("_codes", "_pieces", "_places")

    def __init__(self, pieces: Sequence[bytes], places: Sequence[int], codes: Sequence[bytes]) -> None:
        self._pieces = [piece.replace(b"%", b"%%") for piece in pieces]
        self._places = places
        self._codes = codes

    def form(self, own: int, shared: Words) -> Form:
        """Put the shared words in for good; the first `own` remain to be filled in."""
        text, left = [self._pieces[0]], list[int]()
        for place, piece in zip(self._places, self._pieces[1:], strict=True):
            if place < own:
                left.append(place)
                text.append(self._codes[place])
            else:
                text.append((self._codes[place] % shared[place - own]).replace(b"%", b"%%"))
            text.append(piece)
        return Form(b"".join(text), left)


def cut(
    render: Callable[[Specimen], bytes], words_of: Callable[[Specimen], Wording], first: Specimen, second: Specimen
) -> Stencil | None:
    """Cut the words of one specimen out of its text; None where the other's text is not what they give.

    A word that by chance stands in the fixed part as well is found out by the second specimen.
    """
    text, (own, shared) = render(first), words_of(first)
    codes = [_CODES[type(word)] for word in own + shared]
    places = {code % word: place for place, (code, word) in enumerate(zip(codes, own + shared, strict=True))}
    marks = sorted((mark for mark in places if mark), key=len, reverse=True)
    pieces, chosen, at = list[bytes](), list[int](), 0
    for found in re.finditer(b"|".join(map(re.escape, marks)), text):
        pieces.append(text[at : found.start()])
        chosen.append(places[found.group()])
        at = found.end()
    stencil = Stencil([*pieces, text[at:]], chosen, codes)
    own, shared = words_of(second)
    return stencil if stencil.form(len(own), shared).fill(own) == render(second) else None
