"""What is said at which field where starting to copy is refused."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.trading import Denial
from copydesk.web.words import words

_OF_AMOUNT = frozenset({"limit_allocation", "limit_allocation_total"})
# By the code of the refusal: the field that it is about, and the sentence.
_SAID: Mapping[str, tuple[str, LazyString]] = {
    "already_copied": (
        "account",
        lazy_gettext("This account copies the strategy already, on other terms. Change them on its own page."),
    ),
    "allocation_min": ("amount", lazy_gettext("The trader asks for a larger amount. Enter more.")),
    "strategy_full": (
        "",
        lazy_gettext("As many copy this strategy as its trader takes. There is no place at present."),
    ),
    "strategy_private": (
        "",
        lazy_gettext("This strategy is private: only people whom its trader invited can copy it."),
    ),
    "plan_full": ("", lazy_gettext("This site has no room for more followers at present. Try again another day.")),
}


def refusal_sentences(refusal: Refused) -> dict[str, str]:
    """Return the sentence of a refusal by its field; what is not found stays not found."""
    if isinstance(refusal, NotFound):
        raise refusal
    if refusal.code in (Denial.SELF_COPY, Denial.COPY_LOOP):
        return {"account": words(refusal.code, {})}
    if refusal.code in _SAID:
        field, sentence = _SAID[refusal.code]
        return {field: str(sentence)}
    if refusal.code in _OF_AMOUNT:
        return {
            "amount": gettext("This amount is beyond a limit of the site or of your account. Choose a smaller one.")
        }
    if refusal.code.startswith("limit_"):
        return {"profile": gettext("These limits cannot be chosen now. Choose others.")}
    if isinstance(refusal, InvalidInput):
        return {"": gettext("Nobody can begin to copy this strategy at present.")}
    return {"": str(refusal)}
