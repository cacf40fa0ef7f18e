"""Values are changed inside a YAML text; everything around them, comments above all, stays as somebody wrote it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.cli.yaml_text import block, same_values, with_values, written
from copydesk.kernel import InvalidInput
from copydesk.tenancy.document import parse_document

TEXT = """\
# A brand.
schema: 1

brand:
  name: Dawn   # as registered
  hosts: [dawn.example]
  colors:
    brand: "#c2410c"  # the sun

exchanges:
  - venue: binance
    markets: [BTC/USDT]
  - venue: okx
    markets: [BTC/USDT]

# How it copies.
replication:
  slippage_bps_max: 40
"""


def test_a_value_changes_and_every_comment_stays() -> None:
    changed = with_values(TEXT, {"brand.colors.brand": "#0f766e", "replication.slippage_bps_max": 25, "schema": 2})
    expected = TEXT.replace("schema: 1", "schema: 2").replace("#c2410c", "#0f766e").replace("max: 40", "max: 25")
    assert changed == expected


def test_a_missing_key_comes_to_its_siblings() -> None:
    changed = with_values(TEXT, {"brand.tagline": "No: more", "replication.signal_age_ms_max": 5})
    assert '    brand: "#c2410c"  # the sun\n  tagline: "No: more"\n' in changed
    assert changed.endswith("  slippage_bps_max: 40\n  signal_age_ms_max: 5\n")


def test_a_missing_section_comes_at_the_end() -> None:
    changed = with_values(TEXT, {"fees.profit_share_ratio": Decimal("0.2"), "markets.BTC/USDT": {"on": False}})
    assert changed.startswith(TEXT)
    assert changed[len(TEXT) :] == "\nfees:\n  profit_share_ratio: 0.2\n\nmarkets:\n  BTC/USDT:\n    on: false\n"


def test_a_list_of_maps_is_replaced_as_a_whole() -> None:
    changed = with_values(TEXT, {"exchanges": [{"venue": "bybit", "markets": ["ETH/USDT:USDT"]}]})
    assert 'exchanges:\n  - venue: bybit\n    markets: ["ETH/USDT:USDT"]\n\n# How it copies.\n' in changed


def test_a_map_written_on_one_line_keeps_its_form() -> None:
    text = "smtp: {host: mail.example, port: 25} # ours\n"
    assert with_values(text, {"smtp.port": 587}) == "smtp: {host: mail.example, port: 587} # ours\n"
    assert with_values(text, {"smtp.from": "a@b.example"}).endswith('port: 25, from: "a@b.example"} # ours\n')


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "risk:\n", "a: 1"])
def test_nothing_is_a_beginning_too(text: str) -> None:
    changed = with_values(text, {"risk.limits": ["loss > 5 % of equity per day -> block_opens"]})
    data = parse_document(changed).data
    assert isinstance(data, dict)
    assert data["risk"] == {"limits": ["loss > 5 % of equity per day -> block_opens"]}


def test_what_cannot_be_changed_in_place_is_written_anew() -> None:
    changed = with_values("a: |\n  two\n  lines\nb: [1, 2]\n", {"b.c": 1})
    assert parse_document(changed).data == {"a": "two\nlines\n", "b": {"c": 1}}


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        with_values("a: 1\nb: [", {"a": 2})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("plain text", "plain text"),
        ("yes", '"yes"'),
        ("12", '"12"'),
        ("#fff", '"#fff"'),
        ("a: b", '"a: b"'),
        (" padded ", '" padded "'),
        ("Günaydın", '"Günaydın"'),
        (True, "true"),
        (None, "null"),
        (Decimal(3), "3.0"),
        (["a", 1], "[a, 1]"),
    ],
)
def test_a_value_reads_back_as_what_it_was(value: object, said: str) -> None:
    assert written(value) == said
    assert parse_document(f"v: {said}\n").data == {"v": value}


def test_a_long_list_gets_lines_of_its_own() -> None:
    hosts = [f"a-rather-long-name-{number}.example.com" for number in range(5)]
    assert block("hosts", hosts, indent=2).splitlines()[:2] == ["  hosts:", f"    - {hosts[0]}"]


def test_texts_say_the_same_whatever_their_order_and_comments() -> None:
    assert same_values("a: 1\nb: {c: x}\n", "# hm\nb:\n  c: x\na: 1\n")
    assert not same_values("a: 1\n", "a: true\n")
