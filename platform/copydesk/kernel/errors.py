"""The exception tree. Expected "no" answers inside pure code are `Denial` values, not exceptions."""

from __future__ import annotations


class CopydeskError(Exception):
    """Anything that we raise on purpose; its message is one clear sentence."""


class ConfigError(CopydeskError):
    """Say that deployment or tenant configuration is wrong; the process refuses to start."""


class Refused(CopydeskError):
    """Refuse a request for a named reason; the message is safe to show to the user."""

    code = "refused"
    http_status = 400

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or type(self).code


class InvalidInput(Refused):
    """Reject input that does not have the expected form."""

    code = "invalid_input"
    http_status = 422


class NotPermitted(Refused):
    """Deny an act that this user may not do."""

    code = "not_permitted"
    http_status = 403


class NotFound(Refused):
    """Say that there is no such thing; also the answer for another tenant's row."""

    code = "not_found"
    http_status = 404


class VenueRefused(Refused):
    """Report that the exchange proved its refusal: nothing was executed.

    `code` is a `Denial` value where the exchange's own code is known, else `venue_refused`;
    `venue_code` is the exchange's code as text.
    """

    code = "venue_refused"

    def __init__(self, message: str, *, code: str | None = None, venue_code: str = "") -> None:
        super().__init__(message, code=code)
        self.venue_code = venue_code


class Unavailable(CopydeskError):
    """Report that provably nothing happened, so that the caller may try again.

    `told_s` is when, as far as anybody said so.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.told_s = retry_after_s
        self.retry_after_s = 1.0 if retry_after_s is None else retry_after_s


class OutcomeUnknown(CopydeskError):
    """Report that the act may or may not have happened; it is never resent, reconcile decides."""
