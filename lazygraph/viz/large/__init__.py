"""Tasks by the hundred thousand to groups by the dozen; `collapse` is the door.

`units` joins what is a tree, `classes`, `folding` and `cycles` say which units belong together,
`ratios` says how the tasks of two groups are wired.
"""
