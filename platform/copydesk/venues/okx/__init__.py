"""OKX v5: the trading account (spot and linear perpetuals in one purse) and the funding account."""
