// A view, a camera and what is marked -> pixels. Detail comes with size: dots, boxes, then text.

const DOT_PX = 7, TEXT_PX = 5, CELL_PX = 20, COARSE_SCALE = 0.2, MOST_COARSE_EDGES = 16000, MOST_CURVES = 8000;
const FONT = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
const LOOK = ["back", "text", "muted", "edge", "backward", "accent", "frame", "faint"];

// The page's colours, from the style sheet, so that it alone knows them.
function readLook(marks) {
  const style = getComputedStyle(document.documentElement);
  const named = [...LOOK, ...Object.keys(marks)];
  const look = Object.fromEntries(named.map((name) => [name, style.getPropertyValue("--" + name)]));
  look.from = style.getPropertyValue("--dark").trim() === "1" ? 3 : 0; // which half of a palette's row
  return look;
}

function paint(g, stage) {
  const { camera, size, ratio, look, view } = stage;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.globalAlpha = 1;
  g.fillStyle = look.back;
  g.fillRect(0, 0, size.w, size.h);
  g.setTransform(ratio * camera.s, 0, 0, ratio * camera.s, ratio * camera.x, ratio * camera.y);
  const seen = { left: -camera.x / camera.s, top: -camera.y / camera.s };
  seen.right = seen.left + size.w / camera.s;
  seen.bottom = seen.top + size.h / camera.s;
  const nodes = visibleNodes(view, seen);
  nodes.filter((k) => view.framed[k]).forEach((k) => paintFrame(g, stage, k));
  paintEdges(g, stage, seen);
  paintNodes(g, stage, nodes);
  g.globalAlpha = 1;
}

function visibleNodes({ n, x, y, w, h }, { left, top, right, bottom }) {
  const nodes = [];
  for (let k = 0; k < n; k++) {
    const a = w[k] / 2 + 8, b = h[k] / 2 + 8;
    if (x[k] + a > left && x[k] - a < right && y[k] + b > top && y[k] - b < bottom) nodes.push(k);
  }
  return nodes;
}

// ---- edges
function paintEdges(g, stage, seen) {
  const { view, look, flags, camera } = stage, layers = { hubs: [], quiet: [], plain: [], litHubs: [], lit: [] };
  const quiet = stage.marks.skipped | stage.marks.pending;
  for (let e = 0; e < view.m; e++) {
    if (!isSeen(view.bounds, 4 * e, seen)) continue;
    if (flags && isLit(view, flags, e)) layers[view.faint[e] ? "litHubs" : "lit"].push(e);
    else if (view.faint[e]) layers.hubs.push(e);
    else layers[stage.items.marks[view.ids[view.end[e]]] & quiet ? "quiet" : "plain"].push(e);
  }
  const crowd = ({ length }) => (camera.s < COARSE_SCALE ? Math.max(0.25, Math.min(0.8, 5000 / length)) : 0.95);
  strokeEdges(g, stage, layers.hubs, look.edge, flags ? 0.05 : 0.15);
  strokeEdges(g, stage, layers.plain, look.edge, flags ? 0.13 : crowd(layers.plain));
  g.setLineDash(stage.rules.px.faintDash); // what nothing came along
  strokeEdges(g, stage, layers.quiet, look.faint, flags ? 0.13 : crowd(layers.quiet));
  g.setLineDash([]);
  strokeEdges(g, stage, layers.litHubs, look.accent, layers.litHubs.length > 64 ? 0.15 : 0.9);
  strokeEdges(g, stage, layers.lit, look.accent, crowd(layers.lit));
  const backward = Object.values(layers).flat().filter((e) => view.backs[e]);
  strokeEdges(g, stage, backward, look.backward, flags ? 0.4 : crowd(backward), view.back);
  if (camera.s > 0.5) paintEdgeLabels(g, stage, [...layers.plain, ...layers.quiet, ...layers.lit]);
}

const isSeen = (bounds, at, { left, top, right, bottom }) =>
  bounds[at + 2] > left && bounds[at] < right && bounds[at + 3] > top && bounds[at + 1] < bottom;

function isLit({ start, end, ids }, flags, e) {
  return (flags[ids[start[e]]] & flags[ids[end[e]]]) !== 0;
}

function strokeEdges(g, { view, camera, rules: { px } }, edges, colour, alpha, lines = view.there) {
  if (!edges.length) return;
  g.globalAlpha = alpha;
  g.strokeStyle = g.fillStyle = colour;
  const coarse = camera.s < COARSE_SCALE || edges.length > MOST_CURVES;
  const step = coarse ? Math.ceil(edges.length / MOST_COARSE_EDGES) : 1;
  for (const [count, same] of coarse ? [[1, edges]] : grouped(edges, (e) => (lines === view.back ? 1 : view.counts[e]))) {
    const width = px.edge + Math.min(px.edgeGrowth * Math.log10(count), px.edgeMost);
    g.lineWidth = Math.max(width, 0.6 / camera.s);
    const long = px.arrow + px.arrowGrowth * width, hasArrows = camera.s > 0.3;
    strokeRoutes(g, lines, same, step, coarse ? null : hasArrows ? 0.6 * long : 0);
    if (hasArrows) paintArrows(g, lines, same, long, px.arrowSlimness);
  }
}

function grouped(entries, keyOf) {
  const groups = new Map();
  for (const entry of entries) {
    const key = keyOf(entry);
    groups.has(key) ? groups.get(key).push(entry) : groups.set(key, [entry]);
  }
  return groups;
}

function strokeRoutes(g, view, edges, step, back) {
  const most = back === null ? 500 : 30; // many curves in one path take longer than each alone
  for (let n = 0; n < edges.length; ) {
    g.beginPath();
    for (const stop = n + most * step; n < edges.length && n < stop; n += step) {
      if (back === null) traceCorners(g, view, edges[n]);
      else traceCurves(g, view, edges[n], back);
    }
    g.stroke();
  }
}

// Where a route goes at its end: from the last point that is elsewhere, since handles may lie on it.
function arrival(points, first, last) {
  let p = last - 2;
  while (p > first && Math.hypot(points[last] - points[p], points[last + 1] - points[p + 1]) < 0.01) p -= 2;
  return [points[last] - points[p], points[last + 1] - points[p + 1]];
}

// Ends `back` px early, under the arrowhead, beside which a thick line would show.
function traceCurves(g, { off, points }, e, back) {
  const last = 2 * off[e + 1] - 2, [ux, uy] = arrival(points, 2 * off[e], last);
  let p = 2 * off[e], dx = 0, dy = 0;
  g.moveTo(points[p], points[p + 1]);
  for (; p < last; p += 6) {
    if (p + 6 === last) [dx, dy] = [ux, uy].map((way) => (way * back) / (Math.hypot(ux, uy) || 1));
    g.bezierCurveTo(points[p + 2], points[p + 3], points[p + 4] - dx, points[p + 5] - dy, points[p + 6] - dx, points[p + 7] - dy);
  }
}

function traceCorners(g, { off, points }, e) {
  let p = 2 * off[e];
  g.moveTo(points[p], points[p + 1]);
  for (const end = 2 * off[e + 1]; (p += 6) < end; ) g.lineTo(points[p], points[p + 1]);
}

function paintArrows(g, { off, points }, edges, long, slim) {
  g.beginPath();
  for (const e of edges) {
    const tip = 2 * off[e + 1] - 2, x = points[tip], y = points[tip + 1];
    const [dx, dy] = arrival(points, 2 * off[e], tip), k = long / (Math.hypot(dx, dy) || 1);
    g.moveTo(x, y);
    g.lineTo(x - k * (dx - slim * dy), y - k * (dy + slim * dx));
    g.lineTo(x - k * (dx + slim * dy), y - k * (dy - slim * dx));
  }
  g.fill();
}

function paintEdgeLabels(g, stage, edges) {
  const { view: { labels, backs, labelAt, off, points }, look } = stage;
  g.globalAlpha = 1;
  for (const e of edges) {
    if (!labels[e] && !backs[e]) continue;
    const curve = labelAt && labelAt[e] >= 0 ? labelAt[e] : Math.floor((off[e + 1] - off[e] - 1) / 6);
    const p = 2 * (off[e] + 3 * curve);
    const [x, y] = [p, p + 1].map((n) => (points[n] + 3 * points[n + 2] + 3 * points[n + 4] + points[n + 6]) / 8);
    textStyle(g, stage.rules.px.detail);
    if (labelAt && labelAt[e] >= 0) paintNotes(g, stage, e, x, y);
    else paintLabel(g, labels[e], look, x, y);
  }
}

function paintLabel(g, label, look, x, y) {
  const width = g.measureText(label).width + 6;
  g.fillStyle = look.back;
  g.fillRect(x - width / 2, y - 6.5, width, 13);
  g.fillStyle = look.muted;
  g.fillText(label, x, y);
}

// The value left of its edge or above it, the derivative right of it or below.
function paintNotes(g, { view, look, flow, rules: { px } }, e, x, y) {
  for (const [side, text, colour] of [[-1, view.labels[e], look.text], [1, view.backs[e], look.backward]]) {
    if (!text) continue;
    g.fillStyle = colour;
    g.textAlign = flow[0] ? "center" : side < 0 ? "end" : "start";
    if (flow[0]) g.fillText(text, x, y + side * (px.apart + px.noteLine / 2));
    else g.fillText(text, x + side * (px.apart + px.beside), y);
  }
}

// ---- nodes
function paintNodes(g, stage, nodes) {
  const { view, flags, hitFlags, items } = stage, marked = flags || hitFlags;
  const isDim = (id) => (marked && !marked[id] ? 1 : 0);
  const alike = grouped(nodes, (k) => 2 * items.colour[view.ids[k]] + isDim(view.ids[k]));
  g.globalAlpha = 1;
  for (const key of [...alike.keys()].sort((a, b) => (b & 1) - (a & 1))) {
    // Dim is opaque all the same: nothing shines through a box.
    const tint = key & 1 ? (colour) => mixed(colour, stage.look.back) : (colour) => colour;
    paintAlike(g, stage, alike.get(key), stage.palette[key >> 1], tint);
  }
}

function mixed(colour, back) {
  const part = (hex, n) => parseInt(hex.slice(n, n + 2), 16);
  return `rgb(${[1, 3, 5].map((n) => 0.25 * part(colour, n) + 0.75 * part(back, n))})`;
}

// Nodes of one colour: dots first.
function paintAlike(g, stage, nodes, row, tint) {
  const { view, camera, look } = stage, isDot = (k) => view.h[k] * camera.s < DOT_PX;
  const [fill, stroke, text] = row.slice(look.from).map(tint);
  const shown = nodes.filter((k) => !view.framed[k]);
  g.fillStyle = stroke;
  paintDots(g, view, camera.s, shown.filter(isDot));
  for (const k of shown) if (!isDot(k)) paintBox(g, stage, k, { fill, stroke, text, tint });
}

function paintDots(g, { x, y, w, h }, s, dots) {
  const least = 1.2 / s, taken = new Set();
  for (const k of dots) {
    if (dots.length > 20000) {
      // One dot for all that fall on the same pixels.
      const place = Math.round(x[k] * s) * 65536 + Math.round(y[k] * s);
      if (taken.has(place)) continue;
      taken.add(place);
    }
    const a = Math.max(w[k], least), b = Math.max(h[k], least);
    g.fillRect(x[k] - a / 2, y[k] - b / 2, a, b);
  }
}

function paintBox(g, stage, k, { fill, stroke, text, tint }) {
  const { view, camera, look, items, marks, rules } = stage, id = view.ids[k], bits = items.marks[id];
  const { mark, width, dash } = outline(stage, id), isCell = view.h[k] < CELL_PX;
  g.fillStyle = isCell && bits & marks.failed ? tint(look.failed) : fill;
  g.strokeStyle = mark ? tint(look[mark]) : stroke;
  g.lineWidth = Math.max(width, 0.8 / camera.s);
  g.setLineDash(dash);
  const front = paintCards(g, stage, view, k, items.shape[id]);
  g.setLineDash([]);
  if (bits & marks.output && !isCell) paintRing(g, stage, id, front, stroke);
  g.fillStyle = text;
  if (isCell) paintCellText(g, stage, id, front);
  else paintTexts(g, stage, id, front, { text, back: tint(look.backward) });
  if (bits && !isCell && camera.s > 0.15) paintBadges(g, stage, bits, view.x[k] + view.w[k] / 2 - 2, view.y[k] - view.h[k] / 2 + 2);
}

// What the reader points at goes first, then the most urgent mark.
function outline({ selected, hover, hitFlags, items, marks, rules }, id) {
  if (id === selected) return { mark: "accent", width: 3.2, dash: [] };
  if (id === hover || (hitFlags && hitFlags[id])) return { mark: "accent", width: 2.2, dash: [] };
  const first = items.marks[id] && rules.outlines.find(([name]) => items.marks[id] & marks[name]);
  return first ? { mark: first[0], width: first[1], dash: first[2] } : { width: 1.2, dash: [] };
}

// The outline, of a group those of the cards behind it first; gives the front one's place.
function paintCards(g, { shapes, rules: { px } }, { x, y, w, h }, k, shape) {
  const spread = shape === shapes.group ? 2 * px.card : 0, corner = shape === shapes.data ? px.dataCorner : px.corner;
  const front = { x: x[k] - spread / 2, y: y[k] + spread / 2, w: w[k] - spread, h: h[k] - spread };
  for (let behind = spread; behind >= 0; behind -= px.card) {
    const radius = shape === shapes.function ? front.h / 2 : Math.min(corner, front.h / 3);
    card(g, { ...front, x: front.x + behind, y: front.y - behind }, radius, shape === shapes.function);
  }
  return front;
}

function card(g, { x, y, w, h }, corner, isRound) {
  g.beginPath();
  if (isRound) g.ellipse(x, y, w / 2, h / 2, 0, 0, 2 * Math.PI);
  else g.roundRect(x - w / 2, y - h / 2, w, h, corner);
  g.fill();
  g.stroke();
}

function paintRing(g, { items, shapes, rules: { px } }, id, { x, y, w, h }, stroke) {
  const corner = items.shape[id] === shapes.data ? px.dataCorner : px.corner;
  g.strokeStyle = stroke;
  g.lineWidth = 1;
  g.beginPath();
  g.roundRect(x - w / 2 + px.ring, y - h / 2 + px.ring, w - 2 * px.ring, h - 2 * px.ring, Math.max(1, corner - px.ring));
  g.stroke();
}

// Discs with signs, from the upper right corner leftwards.
function paintBadges(g, { marks, look, rules: { signs, px } }, bits, x, y) {
  for (const [mark, strokes] of signs) {
    if (!(bits & marks[mark])) continue;
    g.fillStyle = look[mark];
    g.strokeStyle = look.back;
    g.lineWidth = 1;
    card(g, { x, y, w: 2 * px.badge, h: 2 * px.badge }, 0, true);
    g.lineWidth = px.signLine;
    g.beginPath();
    for (const line of strokes) traceLine(g, line, x, y);
    if (mark === "running") (g.fillStyle = look.back, g.fill());
    else g.stroke();
    x -= px.badgeStep;
  }
}

function traceLine(g, line, x, y) {
  for (const [n, [dx, dy]] of line.entries()) {
    if (n) g.lineTo(x + dx, y + dy);
    else g.moveTo(x + dx, y + dy);
  }
}

function textStyle(g, px, weight = "") {
  g.font = `${weight} ${px}px ${FONT}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
}

function paintTexts(g, { camera, items, shapes, rules: { px } }, id, { x, y, w, h }, colours) {
  if (px.label * camera.s < TEXT_PX) return;
  const rows = items.shape[id] === shapes.fused && items.rows.get(id), has2nd = items.detail[id] || items.back[id];
  textStyle(g, px.label);
  if (rows) rows.forEach((row, n) => paintRow(g, row, n, { x, w, y: y - h / 2 + px.rowsTop + n * px.row }, px));
  else g.fillText(items.label[id], x, y - (has2nd ? px.labelUp : 0));
  if (!has2nd) return;
  textStyle(g, px.detail);
  paintSecondLine(g, items, id, { x, y: rows ? y + h / 2 - px.detailDown : y + px.detailDown, px, ...colours });
}

// The detail, and beside it what flows back.
function paintSecondLine(g, { detail, back }, id, { x, y, px, text, back: colour }) {
  const parts = [[detail[id], text], [back[id], colour]].filter(([said]) => said);
  const widths = parts.map(([said]) => g.measureText(said).width);
  const split = parts.length > 1 ? x + (widths[0] - widths[1]) / 2 : x;
  parts.forEach(([said, ink], n) => {
    g.textAlign = parts.length < 2 ? "center" : n ? "start" : "end";
    g.fillStyle = ink;
    g.fillText(said, parts.length < 2 ? x : split + (n ? px.split : -px.split) / 2, y);
  });
}

// One of those that a fused task runs, with a line above all but the first.
function paintRow(g, row, n, { x, w, y }, px) {
  g.fillText(row, x, y + px.row / 2);
  g.lineWidth = 0.6;
  g.beginPath();
  if (n) (g.moveTo(x - w / 2, y), g.lineTo(x + w / 2, y));
  g.stroke();
}

function paintCellText(g, { items, camera }, id, { x, y, w, h }) {
  const px = 0.6 * h, most = Math.floor(w / (0.6 * px));
  if (px * camera.s < TEXT_PX) return;
  const text = items.detail[id] || ownName(items, id) || items.label[id];
  textStyle(g, px);
  g.fillText(text.length > most ? text.slice(0, most - 1) + "…" : text, x, y);
}

// Tasks of one function differ by what follows its name in their keys.
const ownName = ({ label, name }, id) =>
  name[id].startsWith(label[id]) ? name[id].slice(label[id].length).replace(/^\W+/, "") : name[id];

function paintFrame(g, stage, k) {
  const { view: { x, y, w, h, ids }, items, look, palette, camera, selected } = stage, id = ids[k];
  const [, stroke, text] = palette[items.colour[id]].slice(look.from), isChosen = id === selected;
  g.fillStyle = look.frame;
  g.strokeStyle = isChosen ? look.accent : stroke;
  g.lineWidth = Math.max(isChosen ? 3.2 : 1.4, 1 / camera.s);
  card(g, { x: x[k], y: y[k], w: w[k], h: h[k] }, 12);
  if (12 * camera.s < TEXT_PX) return;
  const left = stage.leftOut(id), note = left ? ` · ${left.toLocaleString("en")} more are not shown` : "";
  textStyle(g, 12, "bold");
  g.fillStyle = text;
  g.textAlign = "left";
  g.fillText(items.label[id] + note, x[k] - w[k] / 2 + 12, y[k] - h[k] / 2 + 16);
}
