"""Plan in, results out, by worker processes that may die.

``scheduler`` is what users choose. For each run, its ``lane`` gives steps to the workers of a
``pool``: ``luggage`` packs what they need, ``desk`` knows what each has. ``worker`` is the
program of the other side, ``messages`` what the two say to each other by way of a ``channel``,
``arena`` the memory that they share.
"""
