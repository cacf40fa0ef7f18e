"""What channels make of answers and addresses, without anybody to talk to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from copydesk.kernel import InvalidInput
from copydesk.notices.channels.port import Message, Outcome, outcome_of, retry_after
from copydesk.notices.channels.push import payload_of, topic_of
from copydesk.notices.channels.telegram import Started, starts_in
from copydesk.notices.channels.webhook import body_of, signature
from copydesk.notices.collect import SOURCES
from copydesk.notices.deliver import best_of
from copydesk.notices.letters import TOLD_MAX, letter_facts, notices_in
from copydesk.notices.model import DeliveryState, Notice, NoticeKind, Reason, Words
from copydesk.notices.outbound import require_address
from copydesk.notices.outbox import TRIES_MAX, WAITS, next_step
from copydesk.notifications import KINDS, Kind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SENT = Outcome(DeliveryState.SENT, answer=201)
BUSY = Outcome(DeliveryState.WAITING, Reason.BUSY, 503)
GONE = Outcome(DeliveryState.FAILED, Reason.GONE, 410, gone=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://localhost/hook",
        "https://127.0.0.1/hook",
        "https://10.1.2.3/hook",
        "https://[::1]/hook",
        "https://[::ffff:192.168.0.1]/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://example.com:8443/hook",
        "https://me:secret@example.com/hook",
        "https://router.local/hook",
        "https://example.com/a b",
        "https://example.com/" + "a" * 2_000,
        "ftp://example.com",
        "example.com",
        "https://",
    ],
)
def test_addresses_that_lead_elsewhere_than_the_public_internet_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        require_address(url)


def test_a_public_address_is_taken_and_a_private_one_only_where_that_is_allowed() -> None:
    assert require_address("https://hooks.example.com/a?b=c").hostname == "hooks.example.com"
    assert require_address("http://127.0.0.1:9/hook", private=True).port == 9


def test_answers_mean_sent_gone_later_or_never() -> None:
    gone = frozenset({410})
    assert outcome_of(204, gone=gone).state is DeliveryState.SENT
    assert outcome_of(410, gone=gone).gone
    assert outcome_of(429, gone=gone, wait=timedelta(seconds=7)).wait == timedelta(seconds=7)
    assert outcome_of(503, gone=gone).reason is Reason.BUSY
    assert outcome_of(302, gone=gone).reason is outcome_of(400, gone=gone).reason is Reason.REFUSED


def test_a_wait_that_was_asked_for_is_read_and_nonsense_is_not() -> None:
    assert retry_after("30") == timedelta(seconds=30)
    assert retry_after("Wed, 21 Oct 2026 07:28:00 GMT") is retry_after("-1") is retry_after(None) is None


def test_one_browser_that_took_a_message_is_enough() -> None:
    assert best_of([GONE, BUSY, SENT]) is SENT
    assert best_of([GONE, BUSY]) is BUSY
    assert best_of([GONE]) is GONE
    assert best_of([]).reason is Reason.NO_ADDRESS


def test_tries_are_five_with_growing_waits_and_then_it_is_given_up() -> None:
    steps = [next_step(tries, NOW, Reason.BUSY, wait=None, answer=503) for tries in range(1, TRIES_MAX + 1)]
    assert [step.due_at for step in steps] == [*(NOW + wait for wait in WAITS), None]
    assert steps[-1].state is DeliveryState.FAILED
    assert len(steps) == 5


def test_who_asks_for_a_longer_wait_gets_it_up_to_an_hour() -> None:
    asked = next_step(1, NOW, Reason.BUSY, wait=timedelta(minutes=2), answer=429)
    greedy = next_step(1, NOW, Reason.BUSY, wait=timedelta(days=2), answer=429)
    assert asked.due_at == NOW + timedelta(minutes=2)
    assert greedy.due_at == NOW + timedelta(hours=1)


def message(words: Words | None = None) -> Message:
    facts = {"strategy": "Dawn", "subscription_id": 3}
    return Message(5, NoticeKind.OUT_OF_SYNC, NOW, facts, words, "out_of_sync-3", urgent=False)


def test_a_push_message_fits_whatever_the_language_and_says_where_it_leads() -> None:
    told = payload_of(message(Words("標" * 500, "題" * 5_000, "/copying/3", "https://a.example/copying/3")))
    assert len(told) < 3_000
    assert json.loads(told)["url"] == "/copying/3"
    assert json.loads(told)["tag"] == "out_of_sync-3"


def test_a_topic_is_short_and_tells_nobody_what_it_is_about() -> None:
    assert len(topic_of("copy_closed-3")) == 32
    assert topic_of("copy_closed-3") == topic_of("copy_closed-3") != topic_of("copy_closed-4")


def test_a_webhook_without_words_still_has_the_facts() -> None:
    told = json.loads(body_of(message()))
    assert (told["kind"], told["title"], told["facts"]["strategy"]) == ("out_of_sync", None, "Dawn")


def test_a_signature_is_of_the_moment_and_the_body() -> None:
    # Computed with `printf '1772366400.{}' | openssl dgst -sha256 -hmac whsec_a`.
    assert signature("whsec_a", 1_772_366_400, b"{}") == (
        "7626db4db7bdb88ce1050682357d81ea431badecc493742161034128c58bf1fb"
    )


def test_a_bot_hears_only_those_who_open_it_with_a_code() -> None:
    told = {
        "ok": True,
        "result": [
            {"update_id": 7, "message": {"text": "/start abc", "chat": {"id": 42}}},
            {"update_id": 8, "message": {"text": "hello", "chat": {"id": 43}}},
            {"update_id": 9, "message": {"text": "/start ", "chat": {"id": 44}}},
            {"update_id": 10, "edited_message": {}},
            "nonsense",
        ],
    }
    assert list(starts_in(json.dumps(told).encode())) == [Started(7, "abc", "42")]
    assert list(starts_in(b"<html>")) == list(starts_in(b"[]")) == []


def test_a_letter_tells_the_latest_notices_and_how_many_more_there_are() -> None:
    notices = [Notice(number, NoticeKind.OUT_OF_SYNC, 1, NOW, {"strategy": "Dawn"}) for number in range(1, 44)]
    facts = letter_facts(notices)
    assert (facts["count"], facts["more"]) == ("43", "3")
    assert notices_in(facts) == notices[::-1][:TOLD_MAX]
    assert facts.keys() <= KINDS[Kind.NOTICE]


def test_sources_have_names_of_their_own() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)
