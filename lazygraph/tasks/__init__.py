"""One call, not yet made: its function, its arguments taken apart, its key, its options."""
