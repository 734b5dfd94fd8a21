// Keys -> doings.

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function walk([dx, dy], isPan) {
  if (isPan) return pan(-80 * dx, -80 * dy);
  const { view, selected, size } = stage;
  if (selected < 0) return select(view.ids[middleNode(view, size)]);
  const near = neighbours(model, selected);
  const linked = [...near.dependencies, ...near.dependents].map((id) => view.at[id]).filter((k) => k >= 0);
  const node = nodeBeside(view, model.flow, view.at[selected], dx, dy, linked);
  if (node < 0) return;
  select(view.ids[node]);
  show(node);
}

function middleNode(view, size) {
  const { camera } = stage, x = (size.w / 2 - camera.x) / camera.s, y = (size.h / 2 - camera.y) / camera.s;
  const far = (k) => (view.x[k] - x) ** 2 + (view.y[k] - y) ** 2;
  return view.ids.reduce((best, _, k) => (far(k) < far(best) ? k : best), 0);
}

const DOINGS = {
  "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: () => fit(),
  "/": () => byId("query").select(), e: () => toggleGroup(stage.selected), a: toggleAll,
  l: () => (stage.listed ? refreshDetails() : toggleList(true)), "?": () => byId("keys").showModal(),
};

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  if (event.key === "Escape") clear();
  else if (event.target === byId("query")) return;
  else if (WAYS[event.key]) {
    if (event.target !== canvas && event.target !== document.body) return;
    walk(WAYS[event.key], event.shiftKey);
  } else if (DOINGS[event.key]) DOINGS[event.key]();
  else return;
  event.preventDefault();
}
