// Mouse, pen and fingers -> panning, zooming, choosing.

const pointers = new Map();
let travelled = 0;

const place = (event) => ({ x: event.offsetX, y: event.offsetY });

function nodeAt({ x, y }) {
  const { view, camera } = stage, px = (x - camera.x) / camera.s, py = (y - camera.y) / camera.s;
  const slack = 2 / camera.s;
  let frame = -1;
  for (let k = view.n - 1; k >= 0; k--) {
    if (Math.abs(px - view.x[k]) > view.w[k] / 2 + slack) continue;
    if (Math.abs(py - view.y[k]) > view.h[k] / 2 + slack) continue;
    if (!view.framed[k]) return k;
    frame = k;
  }
  return frame;
}

function press(event) {
  canvas.setPointerCapture(event.pointerId);
  byId("tip").hidden = true;
  if (!pointers.size) travelled = 0;
  pointers.set(event.pointerId, place(event));
}

function move(event) {
  const before = pointers.get(event.pointerId), now = place(event);
  if (!before) return event.pointerType === "touch" ? undefined : point(now);
  const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
  travelled += Math.hypot(now.x - before.x, now.y - before.y);
  if (travelled < CLICK_PX && !others.length) return;
  pointers.set(event.pointerId, now);
  canvas.classList.add("dragging");
  if (others.length) pinch(others[0], before, now);
  else pan(now.x - before.x, now.y - before.y);
}

function pinch(still, before, now) {
  const far = (at) => Math.hypot(at.x - still.x, at.y - still.y) || 1;
  look(panned(stage.camera, (now.x - before.x) / 2, (now.y - before.y) / 2), false);
  zoom(far(now) / far(before), (now.x + still.x) / 2, (now.y + still.y) / 2, false);
}

function release(event) {
  const isClick = pointers.delete(event.pointerId) && travelled < CLICK_PX;
  canvas.classList.remove("dragging");
  if (!isClick || event.type !== "pointerup") return;
  const node = nodeAt(place(event));
  if (node < 0 && stage.selected < 0) return;
  select(node < 0 ? -1 : stage.view.ids[node]);
}

function point(at) {
  const node = at ? nodeAt(at) : -1, id = node < 0 ? -1 : stage.view.ids[node], tip = byId("tip");
  if (id !== stage.hover) redraw();
  stage.hover = id;
  canvas.classList.toggle("pointing", id >= 0);
  tip.hidden = id < 0 || stage.view.framed[node] === 1;
  if (tip.hidden) return;
  const { tip: lines, name } = model.items;
  tip.replaceChildren(element("b", titleOf(stage, id)), [name[id], lines[id]].filter(Boolean).join("\n"));
  tip.style.left = `${Math.min(at.x + 14, stage.size.w - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(at.y + 16, stage.size.h - tip.offsetHeight - 8)}px`;
}

function wheel(event) {
  event.preventDefault();
  const lines = event.deltaMode ? 30 : 1, speed = event.ctrlKey ? 0.01 : 0.0016;
  const way = Math.max(-400, Math.min(400, event.deltaY * lines));
  // A wheel's notch glides; the small steps of a touchpad are smooth by themselves.
  zoom(Math.exp(-way * speed), event.offsetX, event.offsetY, Math.abs(way) > 40);
}
