// A model -> a view: the boxes and edges to draw now. Node k of a view shows item ids[k]; at[item]
// is its node, or -1. A view is of all tasks, or of groups, of which some are open: a frame with
// its members as cells.

const MOST_CELLS = 2000, FEW_CELLS = 60, HUB_DEGREE = 64;
const FRAME_PAD = 12, FRAME_HEAD = 22;

function tasksView(model) {
  const { n } = model;
  const ids = Int32Array.from({ length: n }, (_, k) => k);
  const at = new Int32Array(model.items.n).fill(-1);
  at.set(ids);
  return finished({ ...model.tasks, kind: "tasks", ids, at, framed: new Uint8Array(n) }, model);
}

function groupsView(model, open) {
  const frames = new Map([...open].map((g) => [g, frameOf(model, g)]));
  const bend = bends(model.groups, frames);
  const nodes = placedNodes(model, frames, bend);
  const view = { kind: "groups", ...nodes, ...viewEdges(model, open, nodes, bend) };
  view.width = bend.x(model.groups.width);
  view.height = bend.y(model.groups.height);
  return finished(view, model);
}

// How large an open group is: cells in rows, labelled boxes if they are few.
function frameOf(model, g) {
  const cells = Array.from(model.members[g].slice(0, MOST_CELLS));
  const few = cells.length <= FEW_CELLS;
  const widest = (side) => cells.reduce((most, task) => Math.max(most, model.tasks[side][task]), 1);
  const w = few ? widest("w") : 34, h = few ? widest("h") : 18, gap = few ? 12 : 5;
  const columns = Math.max(1, Math.ceil(Math.sqrt((1.5 * cells.length * (h + gap)) / (w + gap))));
  const rows = Math.ceil(cells.length / columns);
  const width = Math.max(150, columns * (w + gap) - gap + 2 * FRAME_PAD);
  const height = rows * (h + gap) - gap + 2 * FRAME_PAD + FRAME_HEAD;
  return { cells, w, h, gap, columns, width, height };
}

// To make room: the plane is stretched where an open group stands, so that all else keeps its
// order, nothing comes to overlap, and edges that ran past a box run past its frame.
function bends(groups, frames) {
  const spans = (centre, side, need) => [...frames].map(([g, frame]) => {
    const half = groups[side][g] / 2;
    return [groups[centre][g] - half, groups[centre][g] + half, frame[need]];
  });
  return { x: stretched(spans("x", "w", "width")), y: stretched(spans("y", "h", "height")) };
}

function stretched(spans) {
  const cuts = [...new Set(spans.flatMap(([low, high]) => [low, high]))].sort((a, b) => a - b);
  const to = cuts.slice(0, 1);
  for (let n = 1; n < cuts.length; n++) {
    const over = spans.filter(([low, high]) => low <= cuts[n - 1] && high >= cuts[n]);
    const factor = Math.max(1, ...over.map(([low, high, need]) => need / (high - low)));
    to.push(to[n - 1] + factor * (cuts[n] - cuts[n - 1]));
  }
  return (value) => {
    const n = cuts.findIndex((cut) => value < cut);
    if (n === 0 || !cuts.length) return value;
    if (n < 0) return to[to.length - 1] + value - cuts[cuts.length - 1];
    const part = (value - cuts[n - 1]) / (cuts[n] - cuts[n - 1]);
    return to[n - 1] + part * (to[n] - to[n - 1]);
  };
}

function placedNodes(model, frames, bend) {
  const rows = [];
  for (let g = 0; g < model.groups.n; g++) rows.push(placedGroup(model, frames.get(g), g, bend));
  for (const [g, frame] of frames) rows.push(...placedCells(frame, rows[g]));
  const nodes = { n: rows.length, at: new Int32Array(model.items.n).fill(-1) };
  nodes.ids = Int32Array.from(rows, (row) => row.id);
  nodes.framed = Uint8Array.from(rows, (row) => +row.framed);
  for (const side of ["x", "y", "w", "h"]) nodes[side] = Float32Array.from(rows, (row) => row[side]);
  nodes.ids.forEach((id, k) => (nodes.at[id] = k));
  return nodes;
}

function placedGroup(model, frame, g, bend) {
  const { x, y, w, h } = model.groups;
  const middle = (to, centre, side) => (to(centre - side / 2) + to(centre + side / 2)) / 2;
  return {
    id: model.n + g, framed: !!frame,
    x: middle(bend.x, x[g], w[g]), y: middle(bend.y, y[g], h[g]),
    w: frame ? frame.width : w[g], h: frame ? frame.height : h[g],
  };
}

function placedCells({ cells, w, h, gap, columns }, { x, y, w: width, h: height }) {
  const used = Math.min(columns, cells.length) * (w + gap) - gap;
  const left = x - used / 2, top = y - height / 2 + FRAME_HEAD + FRAME_PAD;
  return cells.map((task, n) => ({
    id: task, framed: false, w, h,
    x: left + (n % columns) * (w + gap) + w / 2,
    y: top + Math.floor(n / columns) * (h + gap) + h / 2,
  }));
}

// Between two folded groups the edge is the layout's, bent; where an end is open, one edge for
// all dependencies between the same two nodes.
function viewEdges(model, open, nodes, bend) {
  const edges = { start: [], end: [], labels: [], backs: [], counts: [], routes: [] };
  const add = (start, end, label, count, route) => {
    edges.start.push(start);
    edges.end.push(end);
    edges.labels.push(label);
    edges.backs.push("");
    edges.counts.push(count);
    edges.routes.push(route);
  };
  const { start, end, labels, counts, m } = model.groups;
  for (let e = 0; e < m; e++) {
    if (open.has(start[e]) || open.has(end[e])) continue;
    add(start[e], end[e], labels[e], counts[e], bentRoute(model.groups, e, nodes, bend));
  }
  for (const [start, end, count] of memberEdges(model, open, nodes)) {
    add(start, end, "", count, freeRoute(nodes, start, end, model.flow));
  }
  return joined(edges);
}

function memberEdges(model, open, nodes) {
  const { start, end, m } = model.tasks;
  const isOpen = (task) => open.has(model.groupOf[task]);
  const node = (task) => {
    const own = nodes.at[task];
    return own >= 0 ? own : nodes.at[model.n + model.groupOf[task]];
  };
  const counts = new Map();
  for (let e = 0; open.size && e < m; e++) {
    if (!isOpen(start[e]) && !isOpen(end[e])) continue;
    const low = node(start[e]), high = node(end[e]), pair = low * nodes.n + high;
    if (low !== high) counts.set(pair, (counts.get(pair) || 0) + 1);
  }
  return Array.from(counts, ([pair, n]) => [Math.floor(pair / nodes.n), pair % nodes.n, n]);
}

function bentRoute(groups, e, nodes, bend) {
  const route = [];
  for (let p = groups.off[e]; p < groups.off[e + 1]; p++) {
    route.push(bend.x(groups.points[2 * p]), bend.y(groups.points[2 * p + 1]));
  }
  for (const [node, at, beside] of [[groups.start[e], 0, 2], [groups.end[e], route.length - 2, -2]]) {
    const p = at ? groups.off[e + 1] - 1 : groups.off[e];
    for (const [axis, centre] of [[0, "x"], [1, "y"]]) {
      const place = nodes[centre][node] + groups.points[2 * p + axis] - groups[centre][node];
      // The tangent's foot moves along, or the curve would leave its box at a slant.
      route[at + beside + axis] += place - route[at + axis];
      route[at + axis] = place;
    }
  }
  return route;
}

// A curve from border to border: along the flow where that leads on, else by the nearest sides.
function freeRoute(nodes, start, end, [flowX, flowY]) {
  const dx = nodes.x[end] - nodes.x[start], dy = nodes.y[end] - nodes.y[start];
  const gapX = Math.abs(dx) - (nodes.w[start] + nodes.w[end]) / 2;
  const gapY = Math.abs(dy) - (nodes.h[start] + nodes.h[end]) / 2;
  const isAhead = (flowX ? gapX : gapY) > 0 && dx * flowX + dy * flowY > 0;
  const across = isAhead ? !!flowX : gapX > gapY;
  const [ux, uy] = across ? [Math.sign(dx), 0] : [0, Math.sign(dy)];
  const port = (node, side) => {
    const slide = (size, way) => Math.max(-size / 2 + 6, Math.min(size / 2 - 6, way * 0.15));
    const x = nodes.x[node] + (ux * side * nodes.w[node]) / 2 + (ux ? 0 : slide(nodes.w[node], side * dx));
    const y = nodes.y[node] + (uy * side * nodes.h[node]) / 2 + (uy ? 0 : slide(nodes.h[node], side * dy));
    return [x, y];
  };
  const [ax, ay] = port(start, 1), [bx, by] = port(end, -1);
  const reach = 0.5 * Math.abs(ux ? bx - ax : by - ay);
  return [ax, ay, ax + ux * reach, ay + uy * reach, bx - ux * reach, by - uy * reach, bx, by];
}

function joined({ start, end, labels, backs, counts, routes }) {
  const off = new Int32Array(routes.length + 1);
  routes.forEach((route, e) => (off[e + 1] = off[e] + route.length / 2));
  const points = new Float32Array(2 * off[routes.length]);
  routes.forEach((route, e) => points.set(route, 2 * off[e]));
  const m = routes.length;
  return { m, start: Int32Array.from(start), end: Int32Array.from(end), labels, backs, counts, off, points };
}

function finished(view, model) {
  const degree = new Int32Array(view.n);
  for (let e = 0; e < view.m; e++) (degree[view.start[e]]++, degree[view.end[e]]++);
  view.faint = new Uint8Array(view.m);
  view.bounds = new Float32Array(4 * view.m);
  for (let e = 0; e < view.m; e++) {
    view.faint[e] = +(Math.max(degree[view.start[e]], degree[view.end[e]]) > HUB_DEGREE);
    bound(view, e);
  }
  [view.there, view.back] = bothWays(view, model);
  return view;
}

// Where a derivative flows back: the line forward and the line back, beside each other all the
// way. Other edges are themselves.
function bothWays(view, { flow, rules: { px } }) {
  const edges = Array.from(view.backs.keys()).filter((e) => view.backs[e]);
  if (!edges.length) return [view, view];
  const made = [[], []];
  for (let e = 0; e < view.m; e++) {
    const route = Array.from(view.points.subarray(2 * view.off[e], 2 * view.off[e + 1]));
    const halved = view.backs[e] ? halvedRoute(route) : null;
    made[0].push(halved ? besideRoute(halved, -px.apart, flow) : route);
    made[1].push(halved ? reversedRoute(besideRoute(halved, px.apart, flow)) : route);
  }
  return made.map((routes) => joined({ ...view, routes }));
}

// The same route with a joint in the middle of every curve, as de Casteljau finds it.
function halvedRoute(route) {
  const halved = route.slice(0, 2);
  const middle = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];
  for (let p = 0; p + 2 < route.length; p += 6) {
    const [a, b, c, d] = [0, 2, 4, 6].map((n) => [route[p + n], route[p + n + 1]]);
    const ab = middle(a, b), bc = middle(b, c), cd = middle(c, d);
    const abc = middle(ab, bc), bcd = middle(bc, cd);
    halved.push(...ab, ...abc, ...middle(abc, bcd), ...bcd, ...cd, ...d);
  }
  return halved;
}

// A route so far to the right of this, or below: each joint with its handles moves across.
function besideRoute(route, px, [flowX, flowY]) {
  const last = route.length / 2 - 1, turned = flowX > 0 || flowY < 0 ? 1 : -1, moved = [];
  for (let joint = 0; joint <= last; joint += 3) {
    const isEnd = joint === 0 || joint === last, from = Math.max(0, joint - 1), to = Math.min(last, joint + 1);
    const ux = route[2 * to] - route[2 * from], uy = route[2 * to + 1] - route[2 * from + 1];
    const long = isEnd ? 0 : Math.hypot(ux, uy);
    const [dx, dy] = long ? [(-turned * uy) / long, (turned * ux) / long] : flowX ? [0, 1] : [1, 0];
    for (let n = from; n <= to; n++) moved.push(route[2 * n] + px * dx, route[2 * n + 1] + px * dy);
  }
  return moved;
}

function reversedRoute(route) {
  const turned = [];
  for (let p = route.length - 2; p >= 0; p -= 2) turned.push(route[p], route[p + 1]);
  return turned;
}

// Control points bound the curve: left, top, right, bottom.
function bound({ off, points, bounds }, e) {
  let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
  for (let p = 2 * off[e]; p < 2 * off[e + 1]; p += 2) {
    left = Math.min(left, points[p]);
    right = Math.max(right, points[p]);
    top = Math.min(top, points[p + 1]);
    bottom = Math.max(bottom, points[p + 1]);
  }
  bounds.set([left, top, right, bottom], 4 * e);
}
