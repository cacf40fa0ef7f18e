"""The contract cards: each one for every exchange, kind of account and market, and all of them on their page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict

import pytest
from copydesk.venues import EXCHANGES
from project import ROOT

CARDS = "tests/contract/venues/cards"
PAGE = ROOT / "platform" / "docs" / "contract-cards.md"
MARKETS = ("spot", "perpetual")
CARD = re.compile(r"::test_card_(\d\d)_(\w+)\[(.+)\]$")
SEAT = re.compile(rf"(?:^|-)((?:{'|'.join(EXCHANGES)})(?:-uta)?-(?:{'|'.join(MARKETS)}))(?:-|$)")
ROW = re.compile(r"\| (\d\d) \| ([^|]+) \|")

Card = tuple[str, str]


@pytest.fixture(scope="module")
def collected() -> dict[Card, set[str]]:
    """Return the seats of every card, by its number and the words of its name."""
    plain = ("-q", "-o", "addopts=", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "--collect-only", *plain, CARDS]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: dict[Card, set[str]] = defaultdict(set)
    for card in filter(None, map(CARD.search, said.splitlines())):
        seat = SEAT.search(card[3])
        assert seat, f"a card without a seat: {card[0]}"
        found[card[1], card[2].replace("_", " ")].add(seat[1])
    return found


def test_every_card_is_played_at_every_exchange_and_market(collected: dict[Card, set[str]]) -> None:
    seats = set.union(*collected.values())
    assert seats >= {f"{exchange}-{market}" for exchange in EXCHANGES for market in MARKETS}
    assert {card: seats - played for card, played in collected.items() if played != seats} == {}


def test_no_two_cards_share_a_number_and_their_page_lists_them_all(collected: dict[Card, set[str]]) -> None:
    assert [(number, words.strip()) for number, words in ROW.findall(PAGE.read_text())] == sorted(collected)
    assert len({number for number, _ in collected}) == len(collected)
