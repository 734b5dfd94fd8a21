"""Rules of sums and the like."""
