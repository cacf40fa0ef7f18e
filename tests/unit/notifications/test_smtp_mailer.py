"""Letters reach a real mail server over loopback, over TLS, or not at all; and each answer is told for what it is."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from copydesk.kernel import Refused, Unavailable
from copydesk.notifications import Postponed
from copydesk.notifications.smtp import SmtpMailer
from copydesk.tenancy import Smtp
from copydesk.venues.lab.tls import Authority, open_authority
from letter_samples import LETTER
from tiny_smtp import TinySmtp, tiny_smtp


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("tls"))


def mailer(server: TinySmtp, *, ca: Path | None = None, security: str = "none", password: str = "") -> SmtpMailer:
    named = {"username": "aurora", "password": "secret:smtp"} if password else {}
    smtp = Smtp.model_validate(
        {"host": "localhost", "port": server.port, "security": security, "from": "hello@aurora.example", **named}
    )
    trust = ssl.create_default_context(cafile=str(ca)) if ca else None
    return SmtpMailer(smtp, password or None, trust=trust, timeout_s=5)


def test_a_letter_travels_over_starttls_with_the_brands_password_to_its_one_reader(authority: Authority) -> None:
    told = TinySmtp(tls=authority.context, offers_starttls=True, user="aurora", password="open sesame")
    with tiny_smtp(told) as server:
        mailer(server, ca=authority.ca_file, security="starttls", password="open sesame").send(LETTER)
    assert told.recipients == ["<mara@reader.example>"]
    assert told.encrypted == [True]
    assert b"Subject: Confirm your e-mail address at Aurora\r\n" in told.messages[0]
    assert set(told.greeted_by) == {"aurora.example"}


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(authority: Authority) -> None:
    told = TinySmtp(tls=authority.context, offers_starttls=True, user="aurora", password="open sesame")
    with tiny_smtp(told) as server, pytest.raises(Unavailable, match="certificate verify failed"):
        mailer(server, security="starttls", password="open sesame").send(LETTER)
    assert told.messages == []


def test_a_server_without_tls_gets_nothing_where_the_brand_wants_tls(authority: Authority) -> None:
    with tiny_smtp(TinySmtp()) as server, pytest.raises(Unavailable, match="STARTTLS"):
        mailer(server, ca=authority.ca_file, security="starttls").send(LETTER)
    assert server.messages == []


def test_a_wrong_password_stops_all_letters_and_is_not_repeated_in_the_error() -> None:
    with tiny_smtp(TinySmtp(user="aurora", password="right")) as server, pytest.raises(Unavailable) as error:
        mailer(server, password="a wrong one").send(LETTER)
    assert "535" in str(error.value)
    assert "a wrong one" not in f"{error.value!r} {mailer(server, password='a wrong one')!r}"


def test_a_password_never_travels_in_the_open_beyond_this_machine() -> None:
    smtp = Smtp.model_validate(
        {"host": "mail.test", "security": "none", "username": "a", "password": "secret:smtp", "from": "a@b.example"}
    )
    with tiny_smtp(TinySmtp(host="127.0.0.2", user="a", password="b")) as server:
        moved = smtp.model_copy(update={"host": "127.0.0.2", "port": server.port})
        with pytest.raises(Unavailable, match="TLS"):
            SmtpMailer(moved, "b", timeout_s=5).send(LETTER)
    assert server.messages == []


@pytest.mark.parametrize(
    ("verb", "answer", "kind"),
    [
        ("RCPT", "550 5.1.1 no such user", Refused),
        ("RCPT", "450 4.2.1 mailbox busy", Postponed),
        ("END", "554 5.7.1 looks like spam", Refused),
        ("END", "452 4.3.1 full", Postponed),
        ("MAIL", "553 5.7.1 you may not send as this", Unavailable),
        ("CONNECT", "421 come again", Unavailable),
        ("DATA", "", Unavailable),
    ],
)
def test_each_answer_says_whether_this_letter_or_every_letter_may_go_later(
    verb: str, answer: str, kind: type[Exception]
) -> None:
    with tiny_smtp(TinySmtp(answers={verb: answer})) as server, pytest.raises((Refused, Unavailable)) as error:
        mailer(server).send(LETTER)
    assert type(error.value) is kind
    assert answer[4:] in str(error.value)


def test_a_server_that_is_not_there_is_tried_again_later(free_port: int) -> None:
    with pytest.raises(Unavailable, match="localhost"):
        mailer(TinySmtp(port=free_port)).send(LETTER)


@pytest.mark.parametrize("security", ["none", "tls"])
def test_a_server_inside_gets_no_word_where_only_those_outside_may_be_asked(security: str) -> None:
    with tiny_smtp(TinySmtp()) as server:
        smtp = Smtp.model_validate(
            {"host": "localhost", "port": server.port, "security": security, "from": "hello@aurora.example"}
        )
        with pytest.raises(Unavailable, match="does not lead into the public internet"):
            SmtpMailer(smtp, None, timeout_s=5, inside=False).send(LETTER)
    assert (server.greeted_by, server.messages) == ([], [])
