"""Bitget: classic accounts (API v2, a spot and a futures wallet) and unified ones (API v3, one purse)."""
