"""The pages of one's own account: registration, sign-in, password, sessions, history, preferences,
statements, export, closing.

Views parse a form, call one use case of `identity` and render; whatever is decided is decided there.
"""

from copydesk.web.account import (
    closing,
    entering,
    joining,
    live_address,
    overview,
    passwords,
    preferences,
    records,
    sessions,
    statements,
)
from copydesk.web.account.blueprint import account

__all__ = [
    "account",
    "closing",
    "entering",
    "joining",
    "live_address",
    "overview",
    "passwords",
    "preferences",
    "records",
    "sessions",
    "statements",
]
