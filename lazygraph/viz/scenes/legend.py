"""What colours and marks mean, where the boxes themselves do not say."""

from __future__ import annotations

from collections.abc import Iterable

from lazygraph.viz.model import Box, Legend, Mark
from lazygraph.viz.scenes.quantities import value_text
from lazygraph.viz.subject import Subject

__all__ = ["legend_of"]

_EXPLAINED: tuple[Mark, ...] = ("failed", "skipped", "pending", "running", "cached", "slow")
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


def legend_of(subject: Subject, boxes: Iterable[Box]) -> Legend | None:
    """The legend that these boxes need; None if they speak for themselves."""
    boxes = list(boxes)
    marks = frozenset(mark for box in boxes for mark in box.marks)
    low, high = _ends(subject)
    legend = Legend(
        names=_names(subject, boxes),
        title=_TITLES.get(subject.look.color or "", ""),
        low=low,
        high=high,
        marks=tuple([mark for mark in _EXPLAINED if mark in marks]),
        **_flows(subject),
    )
    return legend if legend != Legend() else None


def _flows(subject: Subject) -> dict[str, str]:
    notes = subject.look.notes
    if not notes or not notes.edges:
        return {}
    return {
        "forward": "value" if notes.values else "",
        "back": f"derivative of {subject.goal} by it",
    }


def _names(subject: Subject, boxes: Iterable[Box]) -> tuple[str, ...]:
    """Of what the hues stand for, where labels do not tell."""
    look = subject.look
    told = look.color is None and (look.labels is None or look.labels == "function")
    if told or subject.is_measured:
        return ()
    return tuple(sorted({box.hue_name for box in boxes if box.hue_name in subject.hues}))


def _ends(subject: Subject) -> tuple[str, str]:
    known = [value for value in subject.values if value is not None]
    if not known:
        return "", ""
    color = subject.look.color
    return value_text(color, min(known)), value_text(color, max(known))
