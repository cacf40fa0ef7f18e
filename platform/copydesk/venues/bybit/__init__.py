"""Bybit v5: the unified trading account (spot and linear perpetuals in one purse) and the funding account."""
