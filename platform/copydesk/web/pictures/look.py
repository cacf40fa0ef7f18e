"""What a brand's pictures are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_LETTERS_MAX = 2


@dataclass(frozen=True)
class Look:
    """A brand as its pictures show it.

    `picture` is its logo or favicon where that is made of pixels (a drawing in SVG is not read here). Colors are
    "#rrggbb"; `fonts` are tried in order for letters.
    """

    name: str
    tagline: str
    brand: str
    on_brand: str
    accent: str
    paper: str
    ink: str
    fonts: tuple[Path, ...] = ()
    picture: bytes | None = field(default=None, repr=False)
    square: bytes | None = field(default=None, repr=False)

    @property
    def letters(self) -> str:
        return initials(self.name)


def initials(name: str) -> str:
    """Return the first letters of the first two words: "Blue Harbor" is BH, "Aurora" is A."""
    words = [word for word in "".join(c if c.isalnum() else " " for c in name).split() if word]
    return "".join(word[0] for word in words[:_LETTERS_MAX]).upper() or "•"
