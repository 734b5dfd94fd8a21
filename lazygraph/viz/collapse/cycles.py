"""Functions whose tasks need each other in turn, merged: what is left has no cycle."""

from __future__ import annotations

from collections.abc import Sequence

from lazygraph.viz.collapse.classes import Partition

__all__ = ["by_function"]

_UNSEEN = -1


def by_function(names: Sequence[str], dependencies: Sequence[Sequence[int]]) -> Partition:
    """One class per function, those that depend on each other in a circle merged.

    Notes
    -----
    O(tasks + dependencies).
    """
    number = {name: n for n, name in enumerate(dict.fromkeys(names))}
    functions = [number[name] for name in names]
    needs: list[set[int]] = [set() for _ in number]
    for function, deps in zip(functions, dependencies, strict=True):
        needs[function].update([functions[dep] for dep in deps])
    component = components([sorted(needed) for needed in needs])
    return [component[function] for function in functions]


def components(needs: Sequence[Sequence[int]]) -> list[int]:
    """Per node, the number of its strongly connected component.

    Source: Gabow (2000), "Path-based depth-first search"; with a stack of our own in place of
    recursion. O(nodes + edges).

    Examples
    --------
    >>> components([[1], [2], [1], []])
    [1, 0, 0, 2]
    """
    search = _Search(len(needs))
    for root in range(len(needs)):
        stack = [(root, iter(needs[root]))] if search.enters(root) else []
        while stack:
            node, left = stack[-1]
            for other in left:
                if search.enters(other):
                    stack.append((other, iter(needs[other])))
                    break
            else:
                stack.pop()
                search.leave(node)
    return search.component


class _Search:
    """The path of the search; what is found to be on a circle is kept as one."""

    def __init__(self, n_nodes: int) -> None:
        self.component = [_UNSEEN] * n_nodes
        self._place = [_UNSEEN] * n_nodes  # in `_path`, while it is there
        self._path: list[int] = []
        # Where in the path each component found so far begins; ascending.
        self._begins: list[int] = []
        self._n_components = 0

    def enters(self, node: int) -> bool:
        """Whether `node` is new; if it is on the path, all from there on is one circle."""
        if self._place[node] == _UNSEEN:
            self._place[node] = len(self._path)
            self._begins.append(len(self._path))
            self._path.append(node)
            return True
        if self.component[node] == _UNSEEN:
            while self._begins[-1] > self._place[node]:
                self._begins.pop()
        return False

    def leave(self, node: int) -> None:
        """All that `node` needs has been seen."""
        begin = self._place[node]
        if self._begins[-1] != begin:
            return
        self._begins.pop()
        for member in self._path[begin:]:
            self.component[member] = self._n_components
        del self._path[begin:]
        self._n_components += 1
