"""The pages of second factors: setting them up, passing them at sign-in, and giving a fresh one."""

from copydesk.web.factors import app_codes, listing, passkey_pages, phone_pages, recovery_pages, second_step, step_up
from copydesk.web.factors.blueprint import factors

__all__ = [
    "app_codes",
    "factors",
    "listing",
    "passkey_pages",
    "phone_pages",
    "recovery_pages",
    "second_step",
    "step_up",
]
