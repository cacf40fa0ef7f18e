"""What a strategy is judged by: its record of equity, its closed positions, remarks and the score.

Pure: arrays in, figures out. Knows no database, no clock, and nothing of who asks. Everything shown is a fold over raw
rows (`Raw`): `fold` takes a `Summary` from one moment to a later one, `figures_of` reads every figure out of it.
"""

from copydesk.analytics.figures import Figures, conduct_of, figures_of
from copydesk.analytics.followers import Histogram, Truth, tracking_difference, truth_of
from copydesk.analytics.judgment import Style, risk_score, style_of, too_early
from copydesk.analytics.meanings import FIGURES, Group, Meaning, Unit, Update
from copydesk.analytics.monthly import Year, monthly
from copydesk.analytics.rows import Costs, Fills
from copydesk.analytics.series import Flows, Marks, Raw, Rolled, Series, rolled
from copydesk.analytics.summary import LATE_S, Summary, fold, settled_s
from copydesk.analytics.trips import OpenTrips, Trips, trips_of

__all__ = [
    "FIGURES",
    "LATE_S",
    "Costs",
    "Figures",
    "Fills",
    "Flows",
    "Group",
    "Histogram",
    "Marks",
    "Meaning",
    "OpenTrips",
    "Raw",
    "Rolled",
    "Series",
    "Style",
    "Summary",
    "Trips",
    "Truth",
    "Unit",
    "Update",
    "Year",
    "conduct_of",
    "figures_of",
    "fold",
    "monthly",
    "risk_score",
    "rolled",
    "settled_s",
    "style_of",
    "too_early",
    "tracking_difference",
    "trips_of",
    "truth_of",
]
