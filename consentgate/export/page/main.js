// The page itself: takes a folder, verifies it, and shows the view that the address names.

const main = document.getElementById("main");
const nav = document.getElementById("views");
const app = { close: null, shows: 0 };

const VIEWS = [
  ["", "Verification", resultView],
  ["timeline", "Time line", timelineView],
  ["calls", "Calls", callsView],
  ["statements", "Statements", statementsView],
  ["withheld", "Withheld", withheldView],
];

// Forgets the package that was shown, and all that was judged, typed or chosen for it; `given` is new for each package.
function forget() {
  app.result = null;
  app.byEntry = new Map();
  app.byPlace = new Map();
  app.given = { typed: "", fingerprint: "", witnesses: null };
  app.filter = { q: "", kind: "", from: "", to: "" };
  app.shows += 1;
  app.close?.();
  app.close = null;
  nav.hidden = true;
  delete document.querySelector("header .name").dataset.matter;
  main.removeAttribute("aria-busy");
  return app.given;
}

async function refuse(why) {
  forget();
  await show();
  document.getElementById("trouble").textContent = why;
}

async function take(folder) {
  if (folder === null || !["manifest.json", "manifest.jws", "bagit.txt"].some((path) => folder.has(path))) {
    await refuse("This is not the folder of a package: choose the one that holds verify.html and manifest.json.");
    return;
  }
  // A second package is shown from its conclusion on; the first may be one that was looked at before.
  const view = app.result === null && location.hash.startsWith("#/") ? location.hash : "#/";
  const given = forget();
  const bar = el("progress", { max: "1", value: "0", "aria-label": "Verifying" });
  main.replaceChildren(el("div", { class: "start" }, el("h1", {}, "Verifying\u2026"), bar, el("p", { class: "soft" }, told(folder.name))));
  main.setAttribute("aria-busy", "true");
  let result;
  try {
    result = await verifyPackage(folder, (share) => (bar.value = share));
  } catch (error) {
    // The folder changed while it was read, or this page has an error: either way nothing may look verified.
    if (app.given === given) fail(error);
    throw error;
  }
  if (app.given !== given) return; // another package was given meanwhile
  app.result = result;
  app.byEntry = new Map(result.records.map((record) => [record.entry, record]));
  app.byPlace = new Map(result.records.map((record) => [record.where, record]));
  document.querySelector("header .name").dataset.matter = matter();
  main.removeAttribute("aria-busy");
  nav.hidden = false;
  if (location.hash === view) await show();
  else location.hash = view;
}

function fail(error) {
  const what = error instanceof DOMException ? "A file could not be read." : "This page failed.";
  main.removeAttribute("aria-busy");
  main.replaceChildren(el("h1", {}, what), el("p", { class: "problem", role: "alert" }, told(error)), el("p", {}, "Nothing was verified. Load the page again, or use verify.py."));
}

async function show() {
  const turn = ++app.shows;
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  let view;
  try {
    view = await viewOf(name, rest.join("/"));
  } catch (error) {
    if (turn === app.shows) throw error;
  }
  if (turn !== app.shows) return; // another view or package is wanted by now
  app.close?.();
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

async function viewOf(name, spelled) {
  if (app.result === null) return startView();
  let which = null;
  try {
    which = decodeURIComponent(spelled);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return missingView("This address cannot be read.");
  }
  if (name === "record") return recordView(which);
  if (name === "call") return callView(which);
  const found = VIEWS.find(([path]) => path === name);
  return found ? found[2]() : missingView("There is no such page.");
}

function statementsView() {
  const statements = app.result.records.filter(({ kind }) => kind === "statement");
  const row = (record) => el("tr", {},
    el("td", {}, el("time", { datetime: record.at }, dateText(record.at, zone()))),
    el("th", { scope: "row" }, el("span", { class: `dot ${record.tone}`, "aria-hidden": "true" }), link(`#/record/${encodeURIComponent(record.bates)}`, told(record.title))),
    el("td", {}, told(record.detail)), el("td", {}, told(record.who)), el("td", { class: "bates" }, record.bates));
  const rows = statements.length === 0 ? [el("p", {}, "There are none in this package.")] : growingTable(["Written", "Statement", "What", "Who", "Number"], statements, row);
  return { title: "Statements", elements: [el("h1", {}, "Statements"), ...rows] };
}

function withheldView() {
  const { records } = app.result;
  const parts = records.flatMap((record) => record.sealed.map(({ part, reason }) => ({ record, part, reason })));
  const row = ({ record, part, reason }) => el("tr", {},
    el("th", { scope: "row", class: "bates" }, link(`#/record/${encodeURIComponent(record.bates)}`, record.bates)),
    el("td", {}, told(record.title)), el("td", {}, partTitle(part)), el("td", {}, capital(WITHHELD_WORDS[reason])));
  const rows = parts.length === 0 ? [el("p", {}, "Nothing is withheld.")] : growingTable(["Record", "What", "Part", "Why"], parts, row);
  return { title: "Withheld", elements: [el("h1", {}, "Withheld"), el("p", { class: "lead" }, "Parts whose content is not disclosed. That they exist, and that nobody changed them, is verified all the same."),
    ...rows] };
}

addEventListener("hashchange", async () => {
  if (main.hasAttribute("aria-busy") || (location.hash !== "" && !location.hash.startsWith("#/"))) return;
  await show();
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
});
// The address names the view, so the place in it may not.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
let screenAgain = null;
addEventListener("beforeprint", () => {
  screenAgain?.();
  screenAgain = unfold();
});
addEventListener("afterprint", () => {
  screenAgain?.();
  screenAgain = null;
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
    await refuse("This browser does not let the page read what was dropped. Choose the folder with the button.");
    return;
  }
  await take(folder);
});
nav.append(...VIEWS.map(([path, name]) => link(`#/${path}`, name)));
forget();
show();
