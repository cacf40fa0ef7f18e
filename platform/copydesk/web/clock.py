"""The application's time, as every view reads it."""

from __future__ import annotations

from datetime import datetime

from flask import current_app


def current_time() -> datetime:
    """Return the application's time."""
    now: datetime = current_app.extensions["copydesk_clock"].now()
    return now
