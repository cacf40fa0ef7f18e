"""All endpoints of the classic API v2 that the lab answers."""

from copydesk.venues.lab.dialects.bitget import (
    classic_account,
    classic_market,
    classic_mix,
    classic_mix_market,
    classic_mix_plans,
    classic_positions,
    classic_spot,
    classic_spot_plans,
    ledger,
)
from copydesk.venues.lab.dialects.bitget.routes import Routes

ROUTES: Routes = {
    **classic_market.ROUTES,
    **classic_mix_market.ROUTES,
    **classic_account.ROUTES,
    **classic_positions.ROUTES,
    **classic_spot.ROUTES,
    **classic_mix.ROUTES,
    **classic_spot_plans.ROUTES,
    **classic_mix_plans.ROUTES,
    **ledger.CLASSIC_ROUTES,
}
