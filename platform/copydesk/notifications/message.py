"""Makes a message of a letter (RFC 5322): plain text with HTML beside it, and headers that no fact can reach into."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from copydesk.kernel import Refused
from copydesk.notifications.model import Letter


def message_of(letter: Letter) -> EmailMessage:
    """Return the message; raises `Refused` (code "mail_refused") for an address that no message can have.

    The Message-ID is the letter's own, so that one that arrives twice is known to be the same.
    """
    domain = letter.sender.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(one_line(letter.sender_name), addr_spec=letter.sender)
        message["To"] = Address(addr_spec=letter.to)
        message["Subject"] = one_line(letter.subject)
    except (MessageError, ValueError, IndexError) as error:
        raise Refused("e-mail: expected one address such as name@example.com", code="mail_refused") from error
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}.{int(letter.at.timestamp() * 1000)}@{domain}>"
    message["Content-Language"] = letter.lang
    # RFC 3834: nobody's absence note shall answer.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters, as a header may have it."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
