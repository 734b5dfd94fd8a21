"""Tasks by the hundred thousand -> groups by the dozen."""
