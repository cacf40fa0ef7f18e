"""Replication: signals in, copies out, each with a receipt. Owns books and deliveries."""
