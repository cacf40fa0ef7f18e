"""The documentation tells every figure with its formula and its time of update."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk.analytics import FIGURES, Meaning

TEXT = (Path(__file__).parents[3] / "platform" / "docs" / "algorithms" / "metrics.md").read_text()


@pytest.mark.parametrize("meaning", FIGURES.values(), ids=FIGURES)
def test_a_figure_stands_in_the_documentation_with_its_formula(meaning: Meaning) -> None:
    assert f"| `{meaning.name}` | {meaning.formula} | {meaning.update} |" in TEXT
