"""Plan in, results out, by worker processes that may die.

``scheduler`` is what users choose. For each run, its ``executor`` has a ``dispatcher`` give steps
to the workers of a ``pool``, and settles what they say: ``packing`` packs what steps need,
``assignments`` knows what each worker has, ``durations`` what travels together. ``worker`` is the
program of the other side, ``messages`` what the two say to each other by way of a ``channel``,
``arena`` the memory that they share.
"""
