"""What the program dot makes of the shapes, to compare with where it is not installed."""

from __future__ import annotations

__all__ = ["DOT_FIGURES"]

#: (shape, tasks) -> crossings, length of all edges and width in px, by `benchmarks.curves`, of
#: the layout that Graphviz 2.43 makes with its own distances; None where it does not finish.
DOT_FIGURES: dict[tuple[str, int], tuple[int, int, int] | None] = {
    ("tree", 10): (0, 353, 310),
    ("tree", 100): (0, 8350, 4185),
    ("tree", 1000): (0, 142903, 46829),
    ("chain", 10): (0, 321, 44),
    ("chain", 100): (0, 3528, 44),
    ("chain", 1000): (0, 35498, 44),
    ("stencil", 10): (4, 633, 189),
    ("stencil", 100): (81, 11695, 672),
    ("stencil", 1000): (930, 131661, 2190),
    ("fft", 10): (8, 816, 258),
    ("fft", 100): (232, 13653, 1086),
    ("fft", 1000): (50913, 1073081, 8814),
    ("map_reduce", 10): (0, 396, 338),
    ("map_reduce", 100): (0, 52115, 4343),
    ("map_reduce", 1000): (0, 5524727, 44393),
    ("random", 10): (0, 1064, 208),
    ("random", 100): (156, 28098, 798),
    ("random", 1000): (8341, 584216, 4004),
    ("mlp", 10): (0, 603, 115),
    ("mlp", 100): (183, 132577, 2964),
    ("mlp", 1000): None,  # not done after 120 s
}
