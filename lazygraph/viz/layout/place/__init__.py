"""Ordered boxes -> coordinates."""
