"""How strategies are ranked at this brand: parts and weights, gates, remarks, and the formula of every figure."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.analytics import FIGURES
from copydesk.analytics.flags import Flag
from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.performance.scoring import Scheme, scheme_of
from copydesk.web.access import needs
from copydesk.web.figure_tips import WORDS
from copydesk.web.figure_words import told
from copydesk.web.flag_words import RULES, flag_label
from copydesk.web.format import pct
from copydesk.web.page import render
from copydesk.web.public.blueprint import public
from copydesk.web.public.figures import EARLY, sections
from copydesk.web.score_words import GATE_RULES, bounds_of, part_name, part_sentence
from copydesk.web.site import current_site


@public.get("/methodology")
@needs(Permission.PUBLIC)
def methodology() -> str:
    site = current_site()
    if not (site.features.leaderboard or site.features.strategy_pages):
        raise NotFound("This site does not have that page.")
    scheme = scheme_of(site.tenant)
    return render(
        "methodology.html",
        parts=parts_of(scheme, site.tenant.config.currency),
        gates=[str(rule) % bounds_of(scheme.gates) for rule in GATE_RULES.values()],
        version=scheme.version,
        early=EARLY,
        remarks=[(flag_label(flag), str(RULES[flag])) for flag in Flag],
        groups=[(title, explained(keys)) for _, title, keys in sections()],
    )


def explained(keys: Sequence[str]) -> list[tuple[list[str], str, list[str]]]:
    """Return the names of figures that are counted alike, in what words, and each formula once."""
    alike: dict[str, list[str]] = {}
    for key in keys:
        alike.setdefault(str(WORDS[key].tip), []).append(key)
    return [
        ([str(WORDS[key].name) for key in same], tip, list(dict.fromkeys(FIGURES[key].formula for key in same)))
        for tip, same in alike.items()
    ]


def parts_of(scheme: Scheme, currency: str) -> list[tuple[str, str, str, float]]:
    """Return of each part its name, its weight, how it is counted, and the weight as a share of 100."""
    whole = sum(scheme.weights.values()) or 1
    shares = {part: weight / whole for part, weight in scheme.weights.items()}
    return [
        (part_name(part), pct(told(share), signed=False, digits=0), part_sentence(part, currency), share * 100)
        for part, share in shares.items()
    ]
