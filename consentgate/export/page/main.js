// The page itself: takes a folder, verifies it, and shows the view that the address names.

const app = { result: null, byEntry: new Map(), given: { fingerprint: "", witnesses: null }, filter: { q: "", kind: "", from: "", to: "" }, close: null };
const main = document.getElementById("main");
const nav = document.getElementById("views");

const VIEWS = [
  ["", "Verification", resultView],
  ["timeline", "Time line", timelineView],
  ["calls", "Calls", callsView],
  ["statements", "Statements", statementsView],
  ["withheld", "Withheld", withheldView],
];

async function take(folder) {
  const trouble = document.getElementById("trouble");
  if (folder === null || !["manifest.json", "manifest.jws", "bagit.txt"].some((path) => folder.has(path))) {
    if (trouble !== null) trouble.textContent = "This is not the folder of a package: choose the one that holds verify.html and manifest.json.";
    return;
  }
  const bar = el("progress", { max: "1", value: "0", "aria-label": "Verifying" });
  main.replaceChildren(el("div", { class: "start" }, el("h1", {}, "Verifying\u2026"), bar, el("p", { class: "soft" }, told(folder.name))));
  main.setAttribute("aria-busy", "true");
  try {
    app.result = await verifyPackage(folder, (share) => (bar.value = share));
  } catch (error) {
    // The folder changed while it was read, or this page has an error: either way nothing may look verified.
    const what = error instanceof DOMException ? "A file could not be read." : "This page failed.";
    main.replaceChildren(el("h1", {}, what), el("p", { class: "problem", role: "alert" }, told(error)), el("p", {}, "Nothing was verified. Load the page again, or use verify.py."));
    throw error;
  } finally {
    main.removeAttribute("aria-busy");
  }
  app.byEntry = new Map(app.result.records.map((record) => [record.entry, record]));
  document.querySelector("header .name").dataset.matter = matter();
  nav.hidden = false;
  if (location.hash.startsWith("#/")) await show();
  else location.hash = "#/";
}

async function show() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const which = decodeURIComponent(rest.join("/"));
  app.close?.();
  app.close = null;
  const found = VIEWS.find(([path]) => path === name);
  let view;
  if (app.result === null) view = startView();
  else if (name === "record") view = await recordView(which);
  else if (name === "call") view = await callView(which);
  else view = found ? found[2]() : missingView("There is no such page.");
  main.replaceChildren(...view.elements.filter(Boolean));
  document.title = `${view.title} \u00b7 evidence package`;
  const current = { record: "timeline", call: "calls" }[name] ?? name;
  for (const each of nav.querySelectorAll("a")) {
    if (each.hash === `#/${current}`) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  app.close = view.close ?? null;
  view.ready?.();
  dispatchEvent(new Event("shown"));
}

function statementsView() {
  const statements = app.result.records.filter(({ kind }) => kind === "statement");
  const row = (record) => el("tr", {},
    el("td", {}, el("time", { datetime: record.at }, dateText(record.at, zone()))),
    el("th", { scope: "row" }, el("span", { class: `dot ${record.tone}`, "aria-hidden": "true" }), link(`#/record/${encodeURIComponent(record.bates)}`, told(record.title))),
    el("td", {}, told(record.detail)), el("td", {}, told(record.who)), el("td", { class: "bates" }, record.bates));
  const rows = statements.length === 0 ? [el("p", {}, "There are none in this package.")] : growing(["Written", "Statement", "What", "Who", "Number"], statements, row);
  return { title: "Statements", elements: [el("h1", {}, "Statements"), ...rows] };
}

function withheldView() {
  const { records } = app.result;
  const parts = records.flatMap((record) => record.sealed.map(({ part, reason }) => ({ record, part, reason })));
  const row = ({ record, part, reason }) => el("tr", {},
    el("th", { scope: "row", class: "bates" }, link(`#/record/${encodeURIComponent(record.bates)}`, record.bates)),
    el("td", {}, told(record.title)), el("td", {}, partTitle(part)), el("td", {}, capital(WITHHELD_WORDS[reason])));
  const rows = parts.length === 0 ? [el("p", {}, "Nothing is withheld.")] : growing(["Record", "What", "Part", "Why"], parts, row);
  return { title: "Withheld", elements: [el("h1", {}, "Withheld"), el("p", { class: "lead" }, "Parts whose content is not disclosed. That they exist, and that nobody changed them, is verified all the same."),
    ...rows] };
}

addEventListener("hashchange", () => {
  show().then(() => {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  });
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => event.relatedTarget === null && document.body.classList.remove("dragging"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const trouble = document.getElementById("trouble");
  if (trouble !== null) trouble.textContent = "Reading. If nothing happens, choose the folder with the button.";
  let folder = null;
  try {
    folder = await Folder.ofDropped(event.dataTransfer);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    if (trouble !== null) trouble.textContent = "This browser does not let the page read what was dropped. Choose the folder with the button.";
    return;
  }
  await take(folder);
});
nav.append(...VIEWS.map(([path, name]) => link(`#/${path}`, name)));
show();
