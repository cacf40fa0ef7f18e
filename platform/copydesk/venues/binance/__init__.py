"""Binance: spot and USDⓈ-M perpetuals, two origins behind one port."""
