"""Binance USDⓈ-M futures: its errors, objects, endpoints, streams and limits. Owns nothing of spot."""
