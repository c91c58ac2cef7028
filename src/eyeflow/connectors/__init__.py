"""Connectors: the one door through which effects leave, and the guard that stands in it."""
