"""Boxes and edges with places -> items: shapes and texts with colours."""
