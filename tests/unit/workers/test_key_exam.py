"""What an exchange said of a key, as it is kept."""

from __future__ import annotations

from copydesk.trading import Credentials
from copydesk.workers.key_exam import harmless


def test_what_an_exchange_echoes_of_a_key_is_taken_out_of_its_words() -> None:
    said = "Invalid key the-key with the-secret and the-phrase from 203.0.113.5"
    kept = harmless(said, Credentials(0, "the-key", "the-secret", "the-phrase"))
    assert kept == "Invalid key … with … and … from 203.0.113.5"
    assert len(harmless("x" * 10_000, Credentials(0, "k", "s"))) == 300
