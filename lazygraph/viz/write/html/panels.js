// What stands around the picture: details, lists, colours, keys. Names go in as text, never as
// markup.

const LIST_STEP = 100;
const byId = (name) => document.getElementById(name);

function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

function button(text, action, name = "") {
  const made = element("button", text, name);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

const plural = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many || one + "s"}`;

function swatch(row, from) {
  const made = element("span", "", "swatch");
  [made.style.background, made.style.borderColor] = [row[from], row[from + 1]];
  return made;
}

// As many as a list shows at a time, and a button for more.
function listOf(stage, items, choose, shown = LIST_STEP) {
  const list = element("ul");
  for (const id of items.slice(0, shown)) {
    const line = element("li"), entry = button("", () => choose(id));
    entry.append(swatch(stage.palette[stage.items.colour[id]], stage.look.from), titleOf(stage, id));
    entry.append(element("span", `  ${ownName(stage.items, id)}`, "muted"));
    line.append(entry);
    list.append(line);
  }
  if (items.length > shown) {
    const more = `${(items.length - shown).toLocaleString("en")} more …`;
    const again = () => list.replaceWith(listOf(stage, items, choose, shown + 5 * LIST_STEP));
    list.append(element("li"));
    list.lastChild.append(button(more, again, "muted"));
  }
  return list;
}

const titleOf = ({ items }, id) => {
  const second = [items.detail[id], items.back[id]].filter(Boolean).join(" · ");
  return second ? `${items.label[id]}  ${second}` : items.label[id];
};

const marksOf = ({ marks, items }, id) => Object.keys(marks).filter((name) => items.marks[id] & marks[name]);

function detailsOf(stage, id, { sizes, near, act, choose }) {
  const { items } = stage, lines = document.createDocumentFragment();
  lines.append(element("h2", titleOf(stage, id)));
  if (items.name[id] !== items.label[id]) lines.append(element("code", items.name[id]));
  if (items.tip[id]) lines.append(element("p", items.tip[id]));
  const marks = marksOf(stage, id);
  if (marks.length) lines.append(element("p", marks.join(", "), "muted"));
  const [needed, needing] = [sizes.needed, sizes.needing].map((n) => plural(n, ...stage.nouns));
  const cone = `Needs ${needed}; ${needing} ${sizes.needing === 1 ? "needs" : "need"} it.`;
  lines.append(element("p", cone, "muted"));
  for (const [label, action] of act) lines.append(button(label, action, "act"));
  for (const side of ["dependencies", "dependents"]) {
    lines.append(element("h3", `${near[side].length.toLocaleString("en")} ${countWord(near[side], side)}`));
    lines.append(listOf(stage, near[side], choose));
  }
  return lines;
}

const SINGULAR = { dependencies: "dependency", dependents: "dependent" };
const countWord = (items, side) => (items.length === 1 ? SINGULAR[side] : side);

// What a screen reader says of a task.
function spoken(stage, id, near) {
  const words = ["dependencies", "dependents"].map((side) => `${near[side].length} ${countWord(near[side], side)}`);
  return [titleOf(stage, id), ...marksOf(stage, id), ...words].join(", ");
}

function listPanel(stage, choose) {
  const lines = document.createDocumentFragment();
  lines.append(element("h2", `${stage.view.n.toLocaleString("en")} shown`));
  lines.append(listOf(stage, Array.from(stage.view.ids), choose));
  return lines;
}

function fillPanel(content, close) {
  const panel = byId("panel"), shut = button("×", close);
  shut.id = "close";
  shut.setAttribute("aria-label", "Close");
  panel.replaceChildren(...(content ? [shut, content] : []));
  panel.hidden = !content;
  panel.scrollTop = 0;
}

function fillLegend(stage, entries) {
  byId("legend").replaceChildren(...entries.flatMap((entry) => legendLines(stage, entry)));
  byId("legend").hidden = !entries.length;
}

// What stands before an entry's words, and these.
function legendLines({ palette, look }, { text, row, mark, way, scale, ends }) {
  if (scale) return scaleOf(palette, { scale, ends });
  const line = element("div", "", way || mark || row !== undefined ? "" : "muted");
  if (row !== undefined) line.append(swatch(palette[row], look.from));
  if (mark) line.append(signOf(mark, look));
  if (way) {
    line.append(element("span", way < 0 ? "←" : "→", "way"));
    if (way < 0) line.style.color = look.backward;
  }
  line.append(text);
  return [line];
}

function signOf(mark, look) {
  const sign = element("span", "", mark === "output" ? "swatch double" : "swatch");
  sign.style.borderColor = look[mark] || look.edge;
  return sign;
}

function scaleOf(palette, { scale, ends }) {
  const bar = element("div"), words = element("div", "", "ends muted");
  bar.id = "scale";
  for (const row of scale) bar.append(element("i"));
  scale.forEach((row, n) => (bar.children[n].style.background = palette[row][0]));
  words.append(...ends.map((end) => element("span", end)));
  return [bar, words];
}

const KEYS = [
  ["← ↑ → ↓", "to the next task that way"], ["Shift + arrow", "move the picture"],
  ["+  −", "zoom"], ["0", "show all"], ["/", "search"], ["Enter", "next result; Shift: previous"],
  ["e", "expand or collapse the group"], ["a", "expand or collapse all"], ["l", "list what is shown"],
  ["Esc", "close, clear"], ["?", "this"],
];

function fillKeys(dialog) {
  const table = element("table");
  for (const [keys, meaning] of KEYS) {
    const row = table.insertRow();
    row.insertCell().append(element("kbd", keys));
    row.insertCell().append(meaning);
  }
  const close = element("form");
  close.method = "dialog";
  close.append(element("button", "Close"));
  dialog.replaceChildren(element("h2", "Keys"), table, close);
}
