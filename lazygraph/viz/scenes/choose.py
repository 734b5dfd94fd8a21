"""A subject to what is shown of it: its tasks, or groups of them where they are many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from lazygraph.tasks.reprs import counted
from lazygraph.viz.collapse.collapse import Groups
from lazygraph.viz.layout import dot_layout, layered_layout, layout_with_labels
from lazygraph.viz.look import MOST_TASKS, Look
from lazygraph.viz.model import Layout, Scene
from lazygraph.viz.paint.flows import notes_size
from lazygraph.viz.scenes.cells import filled, with_room
from lazygraph.viz.scenes.full import full_scene
from lazygraph.viz.scenes.groups import cells_by_group, collapsed_scene, grouped, named_dependencies
from lazygraph.viz.scenes.profile import level_profile, profile_picture
from lazygraph.viz.scenes.subject import Subject
from lazygraph.viz.scenes.tasks import tasks_scene

__all__ = ["View", "collapsed_view", "full_view", "pictured", "tasks_view", "view_of"]

# Across and along the way that the data flows: some screens.
_MOST_PX = 2_400.0, 4_800.0
_MARGIN_PX = 10.0


@dataclass(frozen=True, slots=True)
class View:
    """A scene and its places; of groups, also which tasks are in them."""

    scene: Scene
    layout: Layout
    groups: Groups | None = None


def view_of(subject: Subject) -> View:
    """As `Look.detail` asks; "auto" is tasks if they are few, and not side by side."""
    detail = subject.look.detail
    if detail != "auto":
        return {"tasks": tasks_view, "full": full_view, "collapsed": collapsed_view}[detail](
            subject
        )
    if len(subject.shown) > MOST_TASKS:
        return collapsed_view(subject)
    view = tasks_view(subject)
    if not _is_huge(view, (_MOST_PX[0], inf)):
        return view
    folded = collapsed_view(subject)
    return min(view, folded, key=lambda view: len(view.scene.boxes))


def tasks_view(subject: Subject) -> View:
    """One box a task."""
    scene = tasks_scene(subject)
    view = View(scene, _layout(scene, subject.look))
    if not scene.caption and subject.look.detail == "tasks" and _is_huge(view):
        said = f"{counted(len(scene.boxes), 'task')}; detail='collapsed' draws what is alike once"
        return View(replace(scene, caption=said), view.layout)
    return view


def full_view(subject: Subject) -> View:
    """Return calls and data apart, as Dask draws them."""
    scene = full_scene(subject)
    return View(scene, _layout(scene, subject.look))


def collapsed_view(subject: Subject) -> View:
    """One box for tasks that do the same."""
    groups = grouped(subject)
    scene = collapsed_scene(subject, groups)
    return View(scene, _layout(scene, subject.look), groups)


def pictured(subject: Subject, view: View) -> View:
    """Return the view with what only a picture has: bars of levels, or a cell for every task of a run."""
    if view.groups is None:
        return view
    if subject.outcomes is not None:
        return _with_cells(subject, view, view.groups)
    has_own_colours = subject.look.color in {None, "function"}
    return _profile(subject, view) if view.groups.is_profile and has_own_colours else view


def _profile(subject: Subject, view: View) -> View:
    scene, layout = profile_picture(level_profile(*named_dependencies(subject)))
    layout = Layout(
        layout.width_px + 2 * _MARGIN_PX,
        layout.height_px + 2 * _MARGIN_PX,
        tuple([(x + _MARGIN_PX, y + _MARGIN_PX) for x, y in layout.centres]),
        (),
    )
    said = {name: getattr(view.scene, name) for name in ("title", "n_tasks", "n_dependencies")}
    said["caption"] = f"{counted(len(subject.shown), 'task')} by level; detail='tasks' draws all"
    return View(replace(scene, **said), layout, view.groups)


def _with_cells(subject: Subject, view: View, groups: Groups) -> View:
    """Which of the tasks failed, and which took long."""
    cells = cells_by_group(subject, groups, view.scene)
    layout = _layout(with_room(view.scene, cells), subject.look)
    scene, layout = filled(view.scene, layout, cells)
    return View(scene, layout, groups)


def _layout(scene: Scene, look: Look) -> Layout:
    place = dot_layout if look.engine == "dot" else layered_layout
    sizes = [(box.width_px, box.height_px) for box in scene.boxes]
    ends = [(edge.start, edge.end) for edge in scene.edges]
    if look.notes and look.notes.edges:
        labels = [notes_size(edge, look.rankdir) if edge.text else None for edge in scene.edges]
        return layout_with_labels(place, sizes, ends, labels, look.rankdir)
    return place(sizes, ends, look.rankdir)


def _is_huge(view: View, most_px: tuple[float, float] = _MOST_PX) -> bool:
    size = view.layout.width_px, view.layout.height_px
    along = int(view.scene.rankdir in {"BT", "TB"})
    return size[1 - along] > most_px[0] or size[along] > most_px[1]
