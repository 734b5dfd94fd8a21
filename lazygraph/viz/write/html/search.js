// A text -> the tasks whose key or label has it, to be gone through.

// Exact names first, then the others in order.
function search() {
  const text = byId("query").value.trim().toLowerCase(), { name, label } = model.items;
  const at = (id) => name[id].toLowerCase().indexOf(text), hits = [];
  for (let id = 0; text && id < model.n; id++) {
    if (at(id) >= 0 || label[id].toLowerCase().includes(text)) hits.push(id);
  }
  const exact = hits.filter((id) => name[id].toLowerCase() === text);
  stage.hits = exact.length ? [...exact, ...hits.filter((id) => !exact.includes(id))] : hits;
  stage.hit = -1;
  stage.hitFlags = hits.length ? flagged(hits) : null;
  byId("hits").textContent = text ? `${hits.length.toLocaleString("en")} found` : "";
  redraw();
}

function flagged(hits) {
  const flags = new Uint8Array(model.items.n);
  for (const id of hits) {
    flags[id] = 1;
    if (model.groups) flags[groupItem(id)] = 1;
  }
  return flags;
}

function step(by) {
  const n = stage.hits.length;
  if (!n) return;
  stage.hit = stage.hit < 0 && by < 0 ? n - 1 : (stage.hit + by + n) % n;
  byId("hits").textContent = `${(stage.hit + 1).toLocaleString("en")} of ${n.toLocaleString("en")}`;
  reveal(stage.hits[stage.hit]);
}
