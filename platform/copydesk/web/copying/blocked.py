"""Why somebody cannot begin to copy a strategy at all: each state with its own words and its own way on."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.web.copying.copy_words import kin_words
from copydesk.web.copying.facing import Facing

_KEYS, _NEW_KEY, _OTHERS = "/keys", "/keys/new", "/strategies"


@dataclass(frozen=True)
class Blocked:
    """What is in the way, what to do about it, and the button that leads there; `returns` where it leads back here."""

    title: str
    words: str
    verb: str
    href: str
    returns: bool = False


def blocked_of(facing: Facing, *, again: bool = False) -> Blocked | None:
    """Return what is in the way, None where somebody may go on; `again` lets those on who copy it already."""
    if not facing.open:
        return Blocked(
            gettext("This strategy is closed"),
            gettext("Nobody can begin to copy it any more. Its record stays where it is."),
            gettext("Look at other strategies"),
            _OTHERS,
        )
    if not facing.accounts:
        return _unconnected(facing)
    return None if facing.choices or again else _taken(facing)


def _unconnected(facing: Facing) -> Blocked:
    if facing.connected:
        return Blocked(
            gettext("None of your exchange accounts can be used now"),
            gettext("Look what is wrong with its key, and put it right. Then come back: a link there leads you here."),
            gettext("Look at my exchange keys"),
            _KEYS,
            returns=True,
        )
    return Blocked(
        gettext("Connect an exchange account first"),
        gettext(
            "Copies are traded in an account of your own. Your key may trade there and never withdraw. "
            "Once it is connected, a link leads you back here."
        ),
        gettext("Connect an exchange account"),
        _NEW_KEY,
        returns=True,
    )


def _taken(facing: Facing) -> Blocked:
    copies = next((one.copies for one in facing.accounts if one.copies is not None), None)
    if copies is not None:
        return Blocked(
            gettext("You copy this strategy already"),
            gettext("An account copies a strategy once. Change its amount and limits on its own page."),
            gettext("Show my copy of it"),
            f"/copying/{copies}",
        )
    kin = next(one.kin for one in facing.accounts if one.kin is not None)
    return Blocked(
        gettext("This account cannot copy this strategy"),
        kin_words(kin),
        gettext("Connect another exchange account"),
        _NEW_KEY,
        returns=True,
    )
