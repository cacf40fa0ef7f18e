"""All endpoints of the unified account's API v3 that the lab answers."""

from copydesk.venues.lab.dialects.bitget import ledger, unified_account, unified_market, unified_plans, unified_trade
from copydesk.venues.lab.dialects.bitget.routes import Routes

ROUTES: Routes = {
    **unified_market.ROUTES,
    **unified_account.ROUTES,
    **unified_trade.ROUTES,
    **unified_plans.ROUTES,
    **ledger.UNIFIED_ROUTES,
}
