"""The demo: two brands on the simulated exchange, traders as a separate plain-ccxt program, and an auditor.

The auditor reads the exchange's journal, never our own tables.
"""
