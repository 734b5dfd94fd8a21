"""Runs in pictures: what failed, what was skipped or slow, what colours stand for."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from pictures import SVG, Picture, of_dependencies, own_svg, random_graph, square, sum_list

from lazygraph import Graph, compute, delayed, visualize
from lazygraph.graphs.plan import make_plan
from lazygraph.observers import Recorder
from lazygraph.protocols import (
    RunStarted,
    TaskEnded,
    TaskFailed,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
)
from lazygraph.viz import draw
from lazygraph.viz.paint.colours import scale_colours
from lazygraph.viz.scenes.quantities import Lifetimes


def fail(value: Any) -> Any:
    raise ValueError("no <such> column")


class TaskEndedWithBytes(TaskEnded):
    nbytes = 2_500_000


def recorded(*events: Any) -> Recorder:
    recorder = Recorder()
    for event in events:
        recorder.notify(event)
    return recorder


GRAPH = of_dependencies({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": [], "f": ["e"]})


def a_run() -> Recorder:
    """b takes long, c fails, so that d is skipped; e was running and f to come at the end."""
    return recorded(
        TaskStarted(0.0, "a", 0, "worker-1"),
        TaskEndedWithBytes(0.5, "a", 0, "worker-1"),
        TaskStarted(0.5, "b", 1, "worker-1"),
        TaskStarted(0.5, "c", 2, "worker-2"),
        TaskFailed(1.0, "c", 2, "worker-2", ValueError("no <such> column")),
        TaskSkipped(1.0, "d", 3),
        TaskEnded(9.5, "b", 1, "worker-1"),
        TaskStarted(9.5, "e", 4, "worker-2"),
    )


def picture_of_run(**look: Any) -> dict[str, Any]:
    return {box.key: box for box in Picture(own_svg(GRAPH, run=a_run(), **look)).shapes}


# --------------------------------------------------------------------- marks
def test_what_became_of_a_task_is_told_by_more_than_colour() -> None:
    boxes = picture_of_run()

    plain = boxes["a"]
    assert boxes["c"].outline_px > plain.outline_px  # failed
    assert boxes["b"].outline_px > plain.outline_px  # slow
    assert boxes["e"].outline_px > plain.outline_px  # running
    assert boxes["d"].dash  # skipped
    assert boxes["f"].dash  # did not run
    assert boxes["d"].dash != boxes["f"].dash
    outlines = {(box.stroke, box.outline_px, box.dash) for box in boxes.values()}
    assert len(outlines) == 6


def test_each_mark_has_a_badge_with_a_sign_of_its_own() -> None:
    root = Picture(own_svg(GRAPH, run=a_run())).root
    signs = {}
    for group in root.iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        paths = [re.sub(r"M[^a-z]*", "", path.attrib["d"]) for path in group.findall(f"{SVG}path")]
        if title is not None:
            signs[title.text.split("\n")[0]] = tuple(paths)

    assert signs["a"] == ()
    assert len({signs[key] for key in "bcdef"}) == 5


def test_the_legend_explains_the_marks_that_are_seen() -> None:
    picture = Picture(own_svg(GRAPH, run=a_run()))

    *marks, slow = picture.texts
    assert marks == ["failed", "skipped: what it needs failed", "did not run", "running"]
    assert slow.startswith("slow: over 2 s, 4 times what three in four took at most")
    assert Picture(own_svg(GRAPH)).texts == []


def test_the_double_frame_is_explained_where_some_boxes_have_it() -> None:
    assert Picture(own_svg(GRAPH, ["d"])).texts == ["asked for"]
    assert Picture(own_svg(of_dependencies({"a": []}), ["a"])).texts == []


def slow_ones(*seconds: float) -> set[str]:
    """Of tasks that took so long, one after the other."""
    graph = of_dependencies({f"t{n}": [] for n in range(len(seconds))})
    events, now = [], 0.0
    for n, took in enumerate(seconds):
        events += [TaskStarted(now, f"t{n}", n, "w"), TaskEnded(now + took, f"t{n}", n, "w")]
        now += took
    view = draw(graph, (), run=recorded(*events), detail="tasks")._view
    return {box.name for box in view.scene.boxes if "slow" in box.marks}


def test_at_most_a_quarter_of_the_tasks_are_slow() -> None:
    assert slow_ones(1, 1, 1, 9) == {"t3"}
    assert slow_ones(1, 1, 1, 1, 1, 1, 9, 9) == {"t6", "t7"}
    assert slow_ones(1, 1, 1, 1, 9, 9, 9, 9) == set()  # half of them: that is how long tasks take
    assert slow_ones(*[1.0] * 100, 5) == set()  # nobody waits for that


def test_a_failed_task_says_how_long_it_took_in_all_and_how_often_it_ran() -> None:
    error = ValueError("late")
    graph = of_dependencies({"a": []})
    run = recorded(
        TaskStarted(0.0, "a", 0, "w"), TaskRetried(1.0, "a", 0, "w", error),
        TaskStarted(5.0, "a", 0, "w"), TaskRetried(7.0, "a", 0, "w", error),
        TaskStarted(9.0, "a", 0, "w"), TaskFailed(12.0, "a", 0, "w", error),
    )  # fmt: skip

    box = Picture(own_svg(graph, run=run)).box("join")

    assert box.texts[1] == "6 s, 3 attempts"
    assert "took 6 s" in box.tooltip
    again = recorded(
        *run.events, TaskStarted(20.0, "a", 0, "w"), TaskFailed(21.0, "a", 0, "w", error)
    )
    assert Picture(own_svg(graph, run=again)).box("join").texts[1] == "1 s"  # of the last run


def test_what_failed_is_told_to_those_who_see_nothing() -> None:
    description = Picture(own_svg(GRAPH, run=a_run())).root[1].text

    assert "Failed: join." in description


def test_tooltips_tell_of_the_run() -> None:
    tips = {key: box.tooltip for key, box in picture_of_run().items()}

    assert "took 500 ms, gave 2.5 MB, on worker-1" in tips["a"]
    assert "took 9 s, on worker-1" in tips["b"]
    assert "failed: ValueError('no <such> column')" in tips["c"]
    assert "skipped" in tips["d"]
    assert "did not run" in tips["f"]


def test_edges_into_what_did_not_run_are_dashed() -> None:
    picture = Picture(own_svg(GRAPH, run=a_run()))

    dashed = {
        next(iter(picture.boxes_at(route.end, 1.0)))
        for route in picture.routes
        if "stroke-dasharray" in route.stroke
    }
    assert dashed == {"d", "f"}


def test_a_real_run_is_drawn() -> None:
    good, bad = delayed(square)(2), delayed(fail)(1)
    total = delayed(sum_list)([good, bad])
    recorder = Recorder()
    total.compute(observers=[recorder], on_error="collect", scheduler="synchronous")

    picture = Picture(total.visualize(run=recorder).svg)
    assert picture.texts[:2] == ["failed", "skipped: what it needs failed"]
    assert "ValueError" in picture.box("fail").tooltip
    assert "took" in picture.box("square").tooltip


def test_of_several_runs_the_last_counts() -> None:
    again = recorded(
        *a_run().events,
        RunStarted(20.0, make_plan(GRAPH, ["d"]), "threads", 2),
        TaskStarted(20.0, "c", 2, "worker-1"),
        TaskEnded(21.0, "c", 2, "worker-1"),
    )

    picture = Picture(own_svg(GRAPH, run=again))
    assert "failed" not in picture.texts
    assert "took 1 s, on worker-1" in {box.key: box for box in picture.shapes}["c"].tooltip


def test_a_group_with_a_failed_task_says_how_many() -> None:
    tasks = [delayed(fail if n % 50 == 0 else square)(n) for n in range(200)]
    total = delayed(sum_list)([delayed(square)(task) for task in tasks])
    recorder = Recorder()
    total.compute(observers=[recorder], on_error="collect", scheduler="synchronous")

    drawing = total.visualize(run=recorder)
    texts = [text for box in Picture(drawing.svg).shapes for text in box.texts]
    assert any("4 failed" in text for text in texts)
    cells = [
        rect.attrib["fill"]
        for rect in Picture(drawing.svg).root.findall(f"{SVG}rect")
        if rect.attrib["width"] == "6"
    ]
    assert len(cells) == 400
    assert cells.count("#c8281d") == 4


def test_the_cells_of_a_group_have_the_colours_of_workers() -> None:
    tasks = [f"t{n}" for n in range(600)]
    graph = of_dependencies({key: [] for key in tasks})
    events = [
        event(seconds, key, 0, f"worker-{n % 200 // 100}")
        for n, key in enumerate(tasks)
        for event, seconds in ((TaskStarted, float(n)), (TaskEnded, n + 1.0))
    ]

    root = Picture(draw(graph, (), run=recorded(*events), color="worker").svg).root
    cells = [r.attrib["fill"] for r in root.findall(f"{SVG}rect") if r.attrib["width"] == "6"]
    assert len(cells) == 200  # three tasks each
    assert len(set(cells)) == 2


# ------------------------------------------------------------------- colours
def test_seconds_go_from_dark_to_bright() -> None:
    boxes = picture_of_run(color="seconds")

    assert boxes["b"].fill == scale_colours(1.0).fill
    assert boxes["a"].fill == boxes["c"].fill == scale_colours(0.0).fill
    assert boxes["b"].texts[1] == "9 s"
    texts = Picture(own_svg(GRAPH, run=a_run(), color="seconds")).texts
    assert texts[:3] == ["seconds", "500 ms", "9 s"]


def test_bytes_are_shown_where_they_are_known() -> None:
    boxes = picture_of_run(color="bytes")

    assert boxes["a"].texts[1] == "2.5 MB"
    assert len({boxes[key].fill for key in "bce"}) == 1  # as data
    assert boxes["a"].fill != boxes["b"].fill


def test_workers_have_a_hue_each_and_are_named() -> None:
    boxes = picture_of_run(color="worker")

    assert boxes["a"].fill == boxes["b"].fill
    assert boxes["c"].fill == boxes["e"].fill != boxes["a"].fill
    texts = Picture(own_svg(GRAPH, run=a_run(), color="worker")).texts
    assert texts[:3] == ["worker", "worker-1", "worker-2"]


def test_order_is_the_run_s_or_the_plan_s() -> None:
    ran = picture_of_run(color="order")
    planned = {box.key: box for box in Picture(own_svg(GRAPH, ["d"], color="order")).shapes}

    assert [ran[key].texts[1] for key in "abce"] == ["0", "1", "2", "3"]
    plan = make_plan(GRAPH, ["d"])
    assert [planned[str(plan.key(n))].texts[1] for n in range(4)] == ["0", "1", "2", "3"]


def test_equal_values_have_one_colour_and_a_legend() -> None:
    graph = of_dependencies({"a": []})

    picture = Picture(own_svg(graph, color="ages"))
    assert picture.texts[-2:] == ["0", "0"]


@pytest.mark.parametrize("seed", range(5))
def test_quantities_are_those_of_a_simulated_run(seed: int) -> None:
    """Each result is held from when its task runs until its last dependent has run."""
    graph = random_graph(60, seed)
    n, ends = len(graph), frozenset(key for key in graph if not graph.dependents(key))
    lifetimes = Lifetimes([sorted(graph.dependencies(key)) for key in range(n)], ends)

    held: set[Any] = set()
    for key in range(n):
        held.add(key)
        assert lifetimes.of("memorypressure")[key] == len(held)
        users = graph.dependents(key)
        last = n - 1 if key in ends else max(users, default=key)
        assert lifetimes.of("ages")[key] == last - key
        gone = {
            other
            for other in held
            if other not in ends and max(graph.dependents(other), default=other) == key
        }
        assert lifetimes.of("freed")[key] == len(gone)
        held -= gone


@pytest.mark.parametrize(
    "color", ["order", "ages", "freed", "memoryincreases", "memorydecreases", "memorypressure"]
)
def test_the_plan_s_quantities_are_drawn_with_a_scale(color: str) -> None:
    svg = draw(random_graph(40, 1), (), color=color, detail="tasks").svg

    assert {scale_colours(0).fill, scale_colours(1).fill} <= {
        box.fill for box in Picture(svg).shapes
    }
    assert len(Picture(svg).texts) == 3


def test_a_single_graph_has_all_its_results_by_key() -> None:
    graph = Graph.from_dict({"x": 1, "y": (square, "x")})
    recorder = recorded(TaskStarted(0.0, "x", 0, "w"), TaskEnded(0.001, "x", 0, "w"))

    assert "took 1 ms" in Picture(own_svg(graph, run=recorder)).box("x").tooltip


def test_what_an_earlier_run_did_is_not_told_of_the_last() -> None:
    is_broken = False

    def first() -> int:
        if is_broken:
            raise ValueError("broken")
        return 1

    total = delayed(square)(delayed(square)(delayed(first)()))
    recorder = Recorder()
    total.compute(observers=[recorder], scheduler="synchronous")
    is_broken = True
    with pytest.raises(ValueError, match="broken"):
        total.compute(observers=[recorder], scheduler="synchronous")

    boxes = total.visualize(run=recorder, color="order")._view.scene.boxes
    assert ["failed" in box.marks for box in boxes] == [True, False, False]
    assert ["pending" in box.marks for box in boxes] == [False, True, True]
    assert boxes[0].second_line == "0"  # the first of the last run, not the fourth of all


def of_no_pattern(fail_at: int) -> list[Any]:
    """Lazy values of twenty functions, at random: only bands of levels say anything of them."""

    def run(*args: Any) -> int:
        if args[-1] == fail_at:
            raise ValueError(fail_at)
        return 0

    random, made = Random(1), list[Any]()
    functions = [delayed(run, name=f"run{n}") for n in range(20)]
    for n in range(1_000):
        near = made[-50:]
        needed = random.sample(near, min(len(near), random.randrange(4)))
        made.append(random.choice(functions)(*needed, n))
    return made


def test_no_failure_is_hidden_by_bands_of_levels() -> None:
    made = of_no_pattern(fail_at=200)
    recorder = Recorder()
    compute(*made, observers=[recorder], on_error="collect", scheduler="synchronous")

    assert visualize(*made)._view.groups.is_profile  # type: ignore[union-attr]
    texts = Picture(visualize(*made, run=recorder).svg).texts
    assert "failed" in texts


def test_a_picture_says_to_those_who_do_not_see_it_how_many_tasks_there_are() -> None:
    tasks = [delayed(fail if n == 7 else square)(n) for n in range(200)]
    total = delayed(sum_list)(tasks)
    recorder = Recorder()
    total.compute(observers=[recorder], on_error="collect", scheduler="synchronous")
    made = of_no_pattern(fail_at=-1)

    description = Picture(total.visualize(run=recorder).svg).root[1].text or ""
    assert "square (199)" in description
    assert "Failed: fail." in description
    described = Picture(visualize(*made).svg).root[1].text or ""
    counts = re.findall(r"\((\d+)\)", described)
    assert sum(map(int, counts)) <= 1_000  # of many functions, the first are named


def test_labels_are_by_lazy_value_as_by_key() -> None:
    task = delayed(square)(2)

    assert [box.texts[0] for box in Picture(task.visualize(labels={task: "mine"}).svg).shapes] == [
        "mine"
    ]
