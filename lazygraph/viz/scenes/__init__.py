"""A graph -> the boxes and edges that are to be seen."""
