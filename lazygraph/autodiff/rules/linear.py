"""Rules of matrix products."""
