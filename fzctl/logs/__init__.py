"""Firezone's logs: one reader per shape, one event model, one timeline."""
