"""Boxes and edges -> the rank of each box."""
