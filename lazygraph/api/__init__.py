"""What users call: `delayed`, `compute`, `visualize`, `function` and their kin."""
