"""Second factors: one-time codes, recovery codes, passkeys, text messages, and the step up to a fresh one.

Owns what proves a person besides the password. Must not know sessions or pages: whoever asks for a proof says for whom,
and does with the answer what follows from it. Each use case works on a `Desk`, one transaction on one person's factors.

Passkeys cost an import of their own: they are in `identity.factors.passkeys`.
"""

from copydesk.identity.factors.challenges import Asked, Question, take
from copydesk.identity.factors.codes import grouped
from copydesk.identity.factors.desk import Change, Desk, open_desk
from copydesk.identity.factors.model import (
    FactorMissing,
    FactorNeeded,
    Factors,
    FactorWrong,
    Holder,
    Method,
    Overview,
    PasskeyRow,
    PendingSecret,
    must_verify_user,
)
from copydesk.identity.factors.patience import Effort
from copydesk.identity.factors.phone import (
    Texting,
    begin_phone,
    confirm_phone,
    drop_phones,
    plain_number,
    text_code,
    verify_text,
)
from copydesk.identity.factors.port import Texter
from copydesk.identity.factors.recovery import allow_changes, changes_allowed, new_recovery_codes, use_recovery_code
from copydesk.identity.factors.service import erase_factors, factors_of, overview, remove_factor, require_unchanged
from copydesk.identity.factors.text_files import TextFiles
from copydesk.identity.factors.totp import begin_totp, confirm_totp, verify_totp
from copydesk.identity.factors.tries import forgive, take_try

__all__ = [
    "Asked",
    "Change",
    "Desk",
    "Effort",
    "FactorMissing",
    "FactorNeeded",
    "FactorWrong",
    "Factors",
    "Holder",
    "Method",
    "Overview",
    "PasskeyRow",
    "PendingSecret",
    "Question",
    "TextFiles",
    "Texter",
    "Texting",
    "allow_changes",
    "begin_phone",
    "begin_totp",
    "changes_allowed",
    "confirm_phone",
    "confirm_totp",
    "drop_phones",
    "erase_factors",
    "factors_of",
    "forgive",
    "grouped",
    "must_verify_user",
    "new_recovery_codes",
    "open_desk",
    "overview",
    "plain_number",
    "remove_factor",
    "require_unchanged",
    "take",
    "take_try",
    "text_code",
    "use_recovery_code",
    "verify_text",
    "verify_totp",
]
