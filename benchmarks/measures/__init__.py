"""Job in, figures out, inside the fresh process: the ways to measure."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.jobs import Figures, Job
from benchmarks.measures.arrays import pure_calls
from benchmarks.measures.calls import function_calls
from benchmarks.measures.collapsing import collapsing
from benchmarks.measures.edges import array_edges
from benchmarks.measures.gradients import backward_graph, gradient_memory, towers
from benchmarks.measures.grain import metg
from benchmarks.measures.graphs import most_alive, passes
from benchmarks.measures.heap import captured_bytes
from benchmarks.measures.layouts import layout_quality, layout_time
from benchmarks.measures.stages import speed
from benchmarks.measures.start import first_results, import_seconds
from benchmarks.measures.training import training_step

__all__ = ["MEASURES"]

#: name -> what measures it
MEASURES: dict[str, Callable[[Job], Figures]] = {
    "speed": speed,
    "metg": metg,
    "captured": captured_bytes,
    "passes": passes,
    "alive": most_alive,
    "pure": pure_calls,
    "import": import_seconds,
    "edges": array_edges,
    "cold": first_results,
    "layout": layout_time,
    "quality": layout_quality,
    "collapse": collapsing,
    "function": function_calls,
    "gradient": backward_graph,
    "gradient-memory": gradient_memory,
    "step": training_step,
    "towers": towers,
}
