"""Many calls: lazy values -> graph, graph -> plan."""
