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
    ("fft", 100): (233, 13652, 1086),
    ("fft", 1000): (50614, 1073033, 8814),
    ("map_reduce", 10): (0, 396, 338),
    ("map_reduce", 100): (0, 52114, 4343),
    ("map_reduce", 1000): (0, 5524721, 44393),
    ("random", 10): (0, 1064, 208),
    ("random", 100): (156, 28097, 798),
    ("random", 1000): (8339, 584174, 4004),
    ("mlp", 10): (0, 603, 115),
    ("mlp", 100): (183, 132568, 2964),
    ("mlp", 1000): None,  # not done after 120 s
}
