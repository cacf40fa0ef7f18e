"""The exchange-neutral client: connections, rate budget, clock, fan-out. One `VenueClient` per origin.

Owns when a request is sent and what a failure proves; what the bytes say is an exchange's `Wire`.
"""
