"""Long-running roles besides web: replicator, listener, relay, risk, worker. Thin shells around use cases."""
