"""Ranked boxes -> the order within each rank, with few crossings."""
