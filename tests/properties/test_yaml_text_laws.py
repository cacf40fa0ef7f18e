"""Whatever is set in whatever text: it reads as it should afterwards, and a second time nothing changes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from copydesk.cli.yaml_text import block, with_values
from copydesk.tenancy.document import parse_document
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "bb", "on", "x_1", "BTC/USDT:USDT", "7", "y"])
SCALARS = (
    st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.decimals(-1000, 1000, places=2)
    | st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=12)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
CHANGES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map(".".join), VALUES, max_size=3)


def expected(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = deepcopy(data)
    for key, value in changes.items():
        *above, last = key.split(".")
        node = result
        for name in above:
            if not isinstance(node.get(name), dict):
                node[name] = {}
            node = node[name]
        node[last] = deepcopy(value)
    return result


@given(data=DOCUMENTS, changes=CHANGES)
def test_a_changed_text_reads_as_the_changed_values(data: dict[str, Any], changes: dict[str, Any]) -> None:
    text = "# first\n" + "".join(block(name, value) for name, value in data.items())
    assert parse_document(text).data == (data or None)
    changed = with_values(text, changes)
    assert parse_document(changed).data == (expected(data, changes) or None)
    assert with_values(changed, {}) == changed
