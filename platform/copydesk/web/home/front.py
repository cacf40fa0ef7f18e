"""The home page of a follower: everything that they copy, with how it stands now."""

from __future__ import annotations

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.trading import SubscriptionState
from copydesk.web.access import needs
from copydesk.web.asking import before_asked
from copydesk.web.clock import current_time
from copydesk.web.home.blueprint import HOME, home
from copydesk.web.home.home_words import done_words
from copydesk.web.home.picture import HomePicture, read_home
from copydesk.web.home.told_also import told_also
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor
from copydesk.web.words import state_words


@home.get(HOME)
@needs(Permission.SUBSCRIPTIONS_OWN)
def front() -> str:
    picture = _picture()
    return render(
        "home/home.html",
        **_values(picture),
        done=done_words(request.args.get("told")),
        now_path=request.full_path.replace(HOME, f"{HOME}/now", 1).rstrip("?"),
    )


@home.get(f"{HOME}/now")
@needs(Permission.SUBSCRIPTIONS_OWN)
def front_now() -> str:
    """Give the page its figures anew, without the page around them."""
    return render("home/home_now.html", **_values(_picture()))


def _picture() -> HomePicture:
    return read_home(current_time(), before=before_asked(), state=_state())


def _values(picture: HomePicture) -> dict[str, object]:
    state = _state()
    chips = [
        (f"{HOME}?state={one}", f"{state_words(one)} {count}", one is state)
        for one, count in sorted(
            picture.together.states.items(), key=lambda pair: list(SubscriptionState).index(pair[0])
        )
    ]
    every = (HOME, f"{gettext('All')} {picture.together.count}", state is None)
    kept = f"&state={state}" if state else ""
    return {
        "home": picture,
        "also": told_also(current_site().tenant, picture.worth.equity, current_visitor().currency),
        "state": state,
        "chips": [every, *chips] if len(chips) > 1 or state else [],
        "older": f"{HOME}?before={picture.more}{kept}" if picture.more else "",
        "newest": f"{HOME}?{kept[1:]}".rstrip("?") if before_asked() else "",
    }


def _state() -> SubscriptionState | None:
    asked = request.args.get("state", "")
    return SubscriptionState(asked) if asked in set(SubscriptionState) else None
