"""Draws on pages of A4: titles, facts in two columns, tables, and what stands at the foot of each page.

Knows fpdf2 and nothing of statements; the library is loaded when the first page is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING

from copydesk.statements.port import Look, Words

if TYPE_CHECKING:
    from fpdf import FPDF

_FONT = "vazirmatn"
_MARGIN = 16.0
_LINE = 5.2
_SMALL, _TEXT, _HEADING, _TITLE = 7.5, 9.0, 11.5, 19.0
_INK, _SOFT, _RULE = (32, 33, 36), (104, 107, 115), (216, 218, 223)
_MARK_MM, _GAP = 11.0, 2.5
# Narrow spaces that the font lacks.
_SPACES = str.maketrans({"\u202f": " ", "\u2009": " "})
# Marks that keep a figure together among letters of the other direction; alone it needs none.
_ISOLATES = str.maketrans({"\u2066": "", "\u2069": ""})
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# No letter is wider than this share of its size.
_WIDEST = 1.1
_FOOT_MM = 18.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the name of its label, which share of the width it has, whether its figures stand at the end."""

    name: str
    share: float
    end: bool = False


class Canvas:
    """One document being drawn, from top to bottom."""

    def __init__(self, words: Words, look: Look, *, title: str, made_at: datetime) -> None:
        self._words = words
        self._look = look
        self._pdf = _document(look, title, made_at, words)
        self._width = float(self._pdf.epw)
        self._pdf.add_page()

    def title(self, title: str, span: str) -> None:
        """Write the brand's name beside its mark, and below what this is."""
        pdf, look = self._pdf, self._look
        top = float(pdf.get_y())
        if look.logo:
            left = pdf.w - _MARGIN - _MARK_MM if look.rtl else _MARGIN
            pdf.image(look.logo, x=left, y=top, w=_MARK_MM, h=_MARK_MM)
        self._ink(_rgb(look.color), bold=True, size=_HEADING)
        self._text(look.name, top=top + 2.4, indent=_MARK_MM + 4 if look.logo else 0.0)
        pdf.set_y(top + _MARK_MM + 5)
        self._ink(_INK, bold=True, size=_TITLE)
        self._line(title, 9.5)
        self._ink(_SOFT, size=_TEXT + 1)
        self._line(span, 7.5)
        self._rule(_rgb(look.color), 0.7)

    def section(self, title: str, place: str) -> None:
        """Begin a part; not at the very foot of a page."""
        self._room(34.0)
        self._pdf.ln(5)
        self._ink(_rgb(self._look.color), bold=True, size=_HEADING + 1.5)
        self._line(title, 7.0)
        self._ink(_SOFT, size=_TEXT)
        self._line(place, 5.5)
        self._rule(_RULE, 0.3)

    def heading(self, title: str) -> None:
        """Name what follows."""
        self._room(20.0)
        self._pdf.ln(3)
        self._ink(_INK, bold=True, size=_HEADING - 1)
        self._line(title, 6.5)

    def said(self, sentence: str) -> None:
        """Write a sentence over the whole width."""
        self._ink(_SOFT, size=_SMALL + 0.5)
        self._paragraph(sentence, 4.4)

    def facts(self, rows: Sequence[tuple[str, str]], *, strong: Sequence[str] = ()) -> None:
        """Write names with their values, one a line; those of `strong` in bold."""
        for name, value in rows:
            self._room(_LINE)
            bold = name in strong
            self._ink(_INK if bold else _SOFT, bold=bold, size=_TEXT)
            top = float(self._pdf.get_y())
            self._cell(name, 0.0, self._width * 0.55, top, end=False)
            self._ink(_INK, bold=bold, size=_TEXT)
            self._cell(value, self._width * 0.55, self._width * 0.45, top, end=True)
            self._pdf.set_y(top + _LINE)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; what a row has more than there are columns is a sentence below it. Heads repeat on pages."""
        self._heads(columns)
        for row in rows:
            if self._room(_LINE * 2):
                self._heads(columns)
            self._ink(_INK, size=_SMALL)
            self._cells(columns, row)
            if len(row) > len(columns):
                self._ink(_SOFT, size=_SMALL - 0.5)
                self._paragraph(row[-1], 3.6)
            self._rule(_RULE, 0.1)

    def finished(self) -> bytes:
        """Return the document."""
        return bytes(self._pdf.output())

    def _heads(self, columns: Sequence[Column]) -> None:
        self._ink(_SOFT, bold=True, size=_SMALL)
        self._cells(columns, [self._words.label(f"column_{column.name}") for column in columns])
        self._rule(_SOFT, 0.2)

    def _cells(self, columns: Sequence[Column], row: Sequence[str]) -> None:
        top, begin = float(self._pdf.get_y()), 0.0
        for column, value in zip(columns, row, strict=False):
            width = self._width * column.share
            self._cell(value, begin, width, top, end=column.end)
            begin += width
        self._pdf.set_y(top + _LINE)

    def _cell(self, value: str, begin: float, width: float, top: float, *, end: bool) -> None:
        """Write one cell; `begin` counts from where reading begins."""
        rtl = self._look.rtl
        left = _MARGIN + (self._width - begin - width if rtl else begin)
        room = width - _GAP
        value = self._shaped(value)
        self._pdf.set_xy(left + _GAP if rtl and end else left, top)
        self._pdf.cell(room if end else width, _LINE, self._fitting(value, room), align="R" if end != rtl else "L")

    def _fitting(self, value: str, width: float) -> str:
        """Cut what is too long for its cell, and show that it was cut."""
        if len(value) * _WIDEST * self._pdf.font_size <= width or self._pdf.get_string_width(value) <= width:
            return value
        while value and self._pdf.get_string_width(value + "…") > width:
            value = value[:-1]
        return value + "…"

    def _shaped(self, value: str) -> str:
        """Have letters joined and turned where the script asks for it; the rest is drawn as it is, much faster."""
        value = value.translate(_SPACES)
        turned = _RIGHT_TO_LEFT.search(value) is not None
        self._pdf.set_text_shaping(turned)
        return value if turned else value.translate(_ISOLATES)

    def _paragraph(self, sentence: str, height: float) -> None:
        align = "R" if self._look.rtl else "L"
        said = self._shaped(sentence)
        self._pdf.multi_cell(self._width, height, said, align=align, new_x="LMARGIN", new_y="NEXT")

    def _text(self, value: str, *, top: float, indent: float) -> None:
        self._cell(value, indent, self._width - indent, top, end=False)

    def _line(self, value: str, height: float) -> None:
        top = float(self._pdf.get_y())
        self._cell(value, 0.0, self._width, top, end=False)
        self._pdf.set_y(top + height)

    def _rule(self, color: tuple[int, int, int], width: float) -> None:
        y = float(self._pdf.get_y())
        self._pdf.set_draw_color(*color)
        self._pdf.set_line_width(width)
        self._pdf.line(_MARGIN, y, _MARGIN + self._width, y)
        self._pdf.set_y(y + 1.2)

    def _room(self, height: float) -> bool:
        """Begin a new page unless so much is left; tell whether it did."""
        if self._pdf.get_y() + height <= self._pdf.h - _FOOT_MM:
            return False
        self._pdf.add_page()
        return True

    def _ink(self, color: tuple[int, int, int], *, bold: bool = False, size: float) -> None:
        self._pdf.set_font(_FONT, "B" if bold else "", size)
        self._pdf.set_text_color(*color)


def _document(look: Look, title: str, made_at: datetime, words: Words) -> FPDF:
    from fpdf import FPDF

    class Document(FPDF):
        """Pages that say at their foot what they are not, and which of how many they are."""

        def footer(self) -> None:
            self.set_y(-_FOOT_MM + 4)
            self.set_font(_FONT, "", _SMALL - 0.5)
            self.set_text_color(*_SOFT)
            align = "R" if look.rtl else "L"
            self.set_text_shaping(look.rtl)
            self.multi_cell(self.epw, 3.4, words.label("not_tax"), align=align, new_x="LMARGIN", new_y="NEXT")
            page = {"page": str(self.page_no()), "pages": "{nb}"}
            self.cell(self.epw, 4.0, words.label("page", page), align="L" if look.rtl else "R")

    pdf = Document(orientation="portrait", unit="mm", format="A4")
    fonts = resources.files("copydesk.statements") / "fonts"
    for style, file in (("", "Vazirmatn-Regular.ttf"), ("B", "Vazirmatn-Bold.ttf")):
        with resources.as_file(fonts / file) as path:
            pdf.add_font(_FONT, style, path)
    pdf.set_margins(_MARGIN, _MARGIN)
    pdf.set_auto_page_break(False)
    pdf.set_title(f"{look.name} · {title}")
    pdf.set_author(look.name)
    pdf.set_lang(look.lang)
    pdf.set_creation_date(made_at)
    return pdf


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
