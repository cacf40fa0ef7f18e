"""A message is what a letter says and nothing more: no text that somebody chose reaches into its headers."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from copydesk.kernel import Refused, Unavailable
from copydesk.notifications.console import ConsoleMailer
from copydesk.notifications.message import message_of
from letter_samples import LETTER, letter


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_message_has_the_text_and_the_html_of_its_letter_and_says_that_no_person_sent_it() -> None:
    message = parsed(message_of(LETTER).as_bytes())
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    plain, html = (part.get_content() for part in message.iter_parts())
    assert plain.splitlines() == LETTER.text.splitlines()
    assert html.strip() == LETTER.html
    assert (message["From"], message["To"]) == ("Aurora <hello@aurora.example>", "mara@reader.example")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"


def test_the_same_letter_sent_twice_has_the_same_message_id_and_another_letter_has_another() -> None:
    first, again, other = (message_of(one)["Message-ID"] for one in (LETTER, letter(text="x"), letter(id=18)))
    assert first == again != other
    assert first.endswith("@aurora.example>")


@pytest.mark.parametrize("header", ["subject", "sender_name"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\x0b", "\u2028", "\x85"])
def test_no_text_ends_a_header_or_begins_another(header: str, end: str) -> None:
    content = message_of(letter(**{header: f"Hello{end}Bcc: everybody@victim.example{end}{end}body"})).as_bytes()
    message = parsed(content)
    assert message["Bcc"] is None
    assert set(message.keys()) == set(message_of(LETTER).keys())


@pytest.mark.parametrize(
    "address",
    [
        "two@a.example, three@b.example",
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "@a.example",
        "",
        "a@",
        ".@.",
    ],
)
def test_what_is_not_one_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(Refused) as refusal:
        message_of(letter(to=address))
    assert refusal.value.code == "mail_refused"


def test_the_twin_of_a_mail_server_keeps_letters_where_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "mail" / "aurora"
    ConsoleMailer(folder).send(LETTER)
    ConsoleMailer(folder).send(LETTER)
    [file] = folder.iterdir()
    assert (file.name, file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == ("17.eml", 0o600, 0o700)
    assert parsed(file.read_bytes())["Subject"] == LETTER.subject


def test_a_folder_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the folder should be")
    with pytest.raises(Unavailable):
        ConsoleMailer(tmp_path / "mail").send(LETTER)


def test_a_letter_that_is_printed_shows_no_link() -> None:
    assert "verify" not in repr(LETTER)
