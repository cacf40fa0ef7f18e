"""Long-running roles besides web: replicator, listener, relay. Thin shells around replication's use cases."""
