"""What boxes say of arguments: enough to tell two calls apart."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from pictures import Picture, of_dependencies, own_svg, square

from lazygraph import Delayed, delayed, visualize
from lazygraph.viz import draw
from lazygraph.viz.scenes.quantities import ramp_of


@delayed
def f(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def second_lines(*lazies: Any, **look: Any) -> list[str]:
    """Of the boxes that are asked for, in order."""
    scene = visualize(*lazies, detail="tasks", **look)._view.scene
    return [box.second_line for box in scene.boxes if "output" in box.marks]


def data(name: str) -> Delayed[Any]:
    return delayed(5, name=name)


def test_operands_are_told_in_their_order() -> None:
    x, a, b = map(data, "xab")

    assert second_lines(x - 3, 3 - x) == ["x - 3", "3 - x"]
    assert second_lines(x**2, 2**x) == ["x ** 2", "2 ** x"]
    assert second_lines(a / b, b / a) == ["a / b", "b / a"]
    assert second_lines(a + b, a + 1) == ["", "·, 1"]  # either order gives the same


def test_operands_of_one_name_are_told_by_their_edges() -> None:
    one, other = f(1), f(2)

    (difference,) = [
        {edge.label: scene.boxes[edge.start].detail for edge in scene.edges}
        for scene in [(one - other).visualize()._view.scene]
    ]

    assert difference == {"left": "1", "right": "2"}
    assert {edge.label for edge in (one + other).visualize()._view.scene.edges} == {""}


@pytest.mark.parametrize("detail", ["tasks", "full"])
def test_a_list_with_lazy_values_in_it_shows_its_shape(detail: Any) -> None:
    x = data("x")
    boxes = f([x, {"k": 1}, "word"]).visualize(detail=detail)._view.scene.boxes

    assert any("[·, {'k': 1}, 'word']" in (box.label, box.detail) for box in boxes)


def test_literals_stand_in_their_places_and_results_alone_say_nothing() -> None:
    x = data("x")

    assert second_lines(f(x, 3), f(3, x), f(x, x)) == ["·, 3", "3", ""]
    assert second_lines(f(x, by=2), f([x, x]), f([])) == ["by=2", "", "[]"]
    assert second_lines(f([[[[1, 2]]]]), f(x, [x, 7], end=[x])) == ["[[[[...]]]]", "·, [·, 7]"]


def test_addresses_and_paths_keep_what_tells_them_apart() -> None:
    hosts = [f(f"https://host{n}.example.com/a/b/index.html") for n in range(3)]

    told = second_lines(*hosts)

    assert len(set(told)) == 3
    assert told[0] == "'host0.example.com/…/index.html'"
    assert second_lines(f("https://example.com/a/b/c?d=e")) == ["'example.com/…/c?d=e'"]
    assert second_lines(f("https://[half a bracket/a/b/c/d/e")) != [""]
    assert second_lines(f(PurePosixPath("/home/me/data/2024/a.csv"))) == ["…/2024/a.csv"]


class Slow:
    asked = 0

    def __repr__(self) -> str:
        type(self).asked += 1
        return "Slow()"


def test_a_value_is_asked_for_its_text_once() -> None:
    value = Slow()
    boxes = [f(value), f([value], 1), f(a=value)]

    drawing = visualize(*boxes)

    assert drawing.svg.count("Slow()") >= 3
    assert drawing.to_dot()
    assert drawing.html
    assert Slow.asked == 1


def test_a_function_is_drawn_by_the_name_it_was_given() -> None:
    load = delayed(lambda path: path, name="load_reference")

    assert Picture(load("a.csv").visualize().svg).labels() == {"load_reference": 1}


def test_functions_that_share_colours_are_told_of() -> None:
    def drawn(n: int) -> str:
        return visualize([delayed(square, name=f"f{k}")(k) for k in range(n)], detail="tasks").svg

    assert "9 functions share 8 colours" in drawn(9)
    assert "share" not in drawn(8)


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_parts_stand_beside_each_other_across_the_data(rankdir: Any) -> None:
    graph = of_dependencies({"a": [], "b": ["a"], "c": [], "d": ["c"]})
    boxes = {box.key: box for box in Picture(own_svg(graph, rankdir=rankdir)).shapes}
    along = (lambda b: b.top) if rankdir in {"BT", "TB"} else (lambda b: b.left)

    assert along(boxes["a"]) == along(boxes["c"])
    assert along(boxes["b"]) == along(boxes["d"])


def test_one_outlier_does_not_take_all_colours() -> None:
    ramp = ramp_of([1e-6, 2e-6, 4e-6, 8e-6, 10.0, None])

    assert ramp.is_logarithmic
    assert ramp.share(1e-6) == 0
    assert ramp.share(10.0) == 1
    assert 0.1 < ramp.share(8e-6) < 0.2
    assert not ramp_of([1.0, 2.0, 3.0, 4.0]).is_logarithmic
    assert not ramp_of([0.0, 0.0, 0.0, 5.0]).is_logarithmic  # nothing between to tell apart
    assert ramp_of([0.0, 1.0, 2.0, 4.0, 5000.0]).share(0.0) == 0


def test_pictures_that_are_huge_say_how_to_see_less() -> None:
    wide = of_dependencies({**{n: [] for n in range(200)}, "all": list(range(200))})

    assert "detail='collapsed' draws what is alike once" in own_svg(wide)
    assert "collapsed" not in own_svg(of_dependencies({"a": []}))


def test_no_argument_is_left_out_in_silence() -> None:
    x = data("x")

    assert second_lines(f(*range(8)), f(*range(9))) == [
        "0, 1, 2, 3, 4, 5, 6, 7",
        "0, 1, 2, 3, 4, 5, 6, 7, …",
    ]
    assert second_lines(f(*[x] * 70), f(*[x] * 70, 3)) == ["", "·, ·, ·, ·, ·, ·, ·, ·, …"]
    full = visualize(f(*range(9)), detail="full")._view.scene
    assert [box.label for box in full.boxes][:9] == [*"01234567", "…"]


def test_what_one_task_needs_is_read_once_whatever_its_edges_are() -> None:
    reads = 0

    class Counted(tuple[Any, ...]):
        __slots__ = ()

        def __iter__(self) -> Any:
            nonlocal reads
            reads += 1
            return super().__iter__()

    total = f(*[f(n) for n in range(100)])
    graph = total.graph
    object.__setattr__(graph[total.key], "_leaves", Counted(graph[total.key]._leaves))
    draw(graph, [total.key])
    assert reads < 20
