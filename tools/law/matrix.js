"use strict";
const $ = (id) => document.getElementById(id);
const table = $("matrix"), said = JSON.parse($("said").textContent);
const heads = [...table.tHead.rows[1].cells].slice(1);
const rows = [...table.querySelectorAll("tr[data-code]")];
let focused = null;

const make = (kind, text, name) => {
  const made = document.createElement(kind);
  made.textContent = text;
  if (name) made.className = name;
  return made;
};

const paragraph = ([pack, sentence, citation, confidence, uncertain]) => {
  const box = make("div", "", "said");
  box.append(make("p", sentence));
  if (citation) box.append(make("p", citation, "cite"));
  const mark = make("p", [pack, confidence].filter(Boolean).join(" · "), "mark");
  if (uncertain) mark.append(" · ", make("span", "? uncertain", "doubt"));
  if (mark.textContent) box.append(mark);
  return box;
};

const show = (cell, open) => {
  const detail = $("detail");
  detail.replaceChildren();
  if (cell) {
    const row = cell.parentElement, head = heads[cell.cellIndex - 1];
    detail.append(make("h2", head.dataset.title), make("p", `${row.dataset.name} (${row.dataset.code})`, "where"));
    const clauses = (cell.dataset.d || "").split(" ").filter(Boolean);
    detail.append(...clauses.map((number) => paragraph(said[number])));
    if (!clauses.length) detail.append(make("p", "Nothing is asked here.", "where"));
  }
  $("legend").hidden = Boolean(cell) && open && innerWidth <= 1080;
  $("panel").classList.toggle("open", Boolean(open));
};

const focus = (cell) => {
  if (focused) focused.tabIndex = -1;
  focused = cell;
  cell.tabIndex = 0;
  cell.focus({ preventScroll: false });
};

const step = (cell, down, right) => {
  const seen = rows.filter((row) => !row.hidden && !row.parentElement.hidden);
  const row = seen[seen.indexOf(cell.parentElement) + down];
  const next = row && row.cells[cell.cellIndex + right];
  return next && next.tagName === "TD" ? next : null;
};

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const filter = () => {
  const words = $("q").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const region = $("region").value, asks = $("asks").value;
  const column = heads.findIndex((head) => head.dataset.name === asks) + 1;
  let count = 0;
  for (const row of rows) {
    const text = `${row.dataset.code} ${row.dataset.name}`.toLowerCase();
    row.hidden = !(
      words.every((word) => text.includes(word)) &&
      (!region || row.parentElement.dataset.region === region) &&
      (!column || row.cells[column].matches(":not(.l0), .c"))
    );
    count += !row.hidden;
  }
  for (const body of table.tBodies) {
    const all = [...body.rows].slice(1), seen = all.filter((row) => !row.hidden).length;
    body.hidden = !seen;
    body.querySelector("small").textContent = seen < all.length ? `${seen} of ${all.length}` : all.length;
  }
  for (const head of heads) head.firstElementChild.setAttribute("aria-pressed", String(head.dataset.name === asks));
  $("count").textContent = `${count} of ${rows.length} jurisdictions`;
  $("none").hidden = count > 0;
  $("clear").hidden = !(words.length || region || asks);
  if (!focused || focused.parentElement.hidden) {
    const first = rows.find((row) => !row.hidden);
    if (focused) focused.tabIndex = -1;
    focused = first ? first.cells[1] : null;
    if (focused) focused.tabIndex = 0;
  }
  const kept = new URLSearchParams();
  for (const id of ["q", "region", "asks"]) if ($(id).value) kept.set(id, $(id).value);
  history.replaceState(null, "", `#${kept}`);
};

const recall = () => {
  const kept = new URLSearchParams(location.hash.slice(1));
  for (const id of ["q", "region", "asks"]) $(id).value = kept.get(id) || "";
  filter();
};

table.addEventListener("pointerover", (event) => {
  const cell = event.target.closest("tbody td");
  if (cell && event.pointerType === "mouse" && innerWidth > 1080) show(cell, false);
});
table.addEventListener("pointerleave", (event) => {
  if (event.pointerType === "mouse" && innerWidth > 1080) show(table.contains(document.activeElement) ? focused : null, false);
});
table.addEventListener("click", (event) => {
  const head = event.target.closest("thead button"), cell = event.target.closest("td");
  if (head) {
    const name = head.parentElement.dataset.name;
    $("asks").value = $("asks").value === name ? "" : name;
    filter();
  } else if (cell) focus(cell);
});
table.addEventListener("focusin", (event) => {
  const cell = event.target.closest("td");
  if (cell) show(cell, true);
});
table.addEventListener("keydown", (event) => {
  const cell = event.target.closest("td"), by = STEPS[event.key];
  if (!cell) return;
  let next = by ? step(cell, ...by) : null;
  if (event.key === "Home") next = cell.parentElement.cells[1];
  if (event.key === "End") next = cell.parentElement.lastElementChild;
  if (next) {
    event.preventDefault();
    focus(next);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") show(null, false);
});
$("close").addEventListener("click", () => show(null, false));
$("how").addEventListener("click", () => show(null, true));
$("clear").addEventListener("click", () => {
  for (const id of ["q", "region", "asks"]) $(id).value = "";
  filter();
  $("q").focus();
});
$("filters").addEventListener("input", filter);
$("filters").addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", recall);
$("filters").hidden = false;
recall();
