"""Messages to people: mail that is stored with the change it tells of, and sent afterwards.

Owns the outbox and the mailers. Knows neither who people are nor what a message looks like: whoever has something to
tell says which kind it is and the facts of it; the sites write it in the reader's language when it leaves.
"""

from copydesk.notifications.bell import BELL, Bell
from copydesk.notifications.model import KINDS, RETENTION, Kind, Letter, MailState, Postponed, Waiting
from copydesk.notifications.outbox import queue_mail
from copydesk.notifications.port import Mailer, Seal, Writer

__all__ = [
    "BELL",
    "KINDS",
    "RETENTION",
    "Bell",
    "Kind",
    "Letter",
    "MailState",
    "Mailer",
    "Postponed",
    "Seal",
    "Waiting",
    "Writer",
    "queue_mail",
]
