"""Measurements. Each is a ratio within one run against a peer or a physical bound."""
