"""What colours and marks mean, where the boxes themselves do not say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from lazygraph.viz.model import Box, Flow, Heading, Hue, LegendEntry, Mark, Scale, Sign
from lazygraph.viz.paint.themes import N_HUES
from lazygraph.viz.scenes.quantities import value_text
from lazygraph.viz.scenes.runs import SLOW, seconds_text
from lazygraph.viz.scenes.subject import Subject

__all__ = ["legend_of"]

_MOST_NAMES = 24
_EXPLAINED: dict[Mark, str] = {
    "failed": "failed",
    "skipped": "skipped: what it needs failed",
    "pending": "did not run",
    "running": "running",
    "cached": "cached",
    "slow": SLOW,
    "output": "asked for",
}
_TITLES = {
    "order": "order",
    "ages": "tasks run while its result is held",
    "freed": "results forgotten after it",
    "memorypressure": "results held when it runs",
    "memoryincreases": "results added while its own is held",
    "memorydecreases": "results forgotten while its own is held",
    "seconds": "seconds",
    "bytes": "bytes",
    "worker": "worker",
}


def legend_of(subject: Subject, boxes: Iterable[Box]) -> tuple[LegendEntry, ...]:
    """Return the legend that these boxes need; empty if they speak for themselves."""
    boxes = list(boxes)
    return (*_colours(subject, boxes), *_flows(subject), *_signs(subject, boxes))


def _colours(subject: Subject, boxes: Iterable[Box]) -> Iterator[LegendEntry]:
    title = _TITLES.get(subject.look.color or "", "")
    if title:
        yield Heading(f"{title}, logarithmic" if subject.ramp.is_logarithmic else title)
    known = [value for value in subject.values if value is not None]
    if known:
        color = subject.look.color
        yield Scale(value_text(color, min(known)), value_text(color, max(known)))
    if not subject.is_measured and len(plain := _plain(subject, boxes)) > N_HUES:
        yield Heading(f"{len(plain)} {_hue_noun(subject)} share {N_HUES} colours")
    names = _names(subject, boxes)
    yield from map(Hue, names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        yield Heading(f"and {len(names) - _MOST_NAMES} more")


def _plain(subject: Subject, boxes: Iterable[Box]) -> set[str]:
    """Return the names that have one of the hues."""
    return {box.hue_name for box in boxes if subject.hues.get(box.hue_name, N_HUES) < N_HUES}


def _hue_noun(subject: Subject) -> str:
    return "workers" if subject.look.color == "worker" else "functions"


def _names(subject: Subject, boxes: Iterable[Box]) -> list[str]:
    """Return what the hues stand for, where labels do not tell."""
    look = subject.look
    told = look.color is None and (look.labels is None or look.labels == "function")
    if told or subject.is_measured:
        return []
    return sorted({box.hue_name for box in boxes if box.hue_name in subject.hues})


def _flows(subject: Subject) -> Iterator[LegendEntry]:
    notes = subject.look.notes
    if not notes or not notes.edges:
        return
    if notes.values:
        has_norms = any(text.endswith("|") for text in notes.values.values())
        more = "; of an array its shape and |norm|" if has_norms else ""
        yield Flow(f"value{more}", is_back=False)
    yield Flow(f"derivative of {subject.goal} by it", is_back=True)


def _signs(subject: Subject, boxes: Collection[Box]) -> Iterator[LegendEntry]:
    marks = {mark for box in boxes for mark in box.marks}
    for mark, said in _EXPLAINED.items():
        if mark not in marks or (mark == "output" and len(boxes) == 1):
            continue
        if mark == "slow":
            yield Sign(mark, f"slow: over {seconds_text(subject.slow_seconds)}, {said}")
        else:
            yield Sign(mark, said)
