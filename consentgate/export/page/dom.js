// Elements. Whatever comes out of a package is text, put in as text and nothing else, in a direction of its own.

function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (attribute.startsWith("on")) element.addEventListener(attribute.slice(2), value);
    else element.setAttribute(attribute, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A text out of the package: isolated, so that right-to-left letters and overrides end with it.
function told(text, attributes = {}) {
  return el("bdi", { dir: "auto", ...attributes }, String(text));
}

function link(hash, ...children) {
  return el("a", { href: hash }, ...children);
}

const MARKS = {
  holds: "M5 12.5l4.5 4.5L19 7.5",
  broken: "M7 7l10 10M17 7L7 17",
  incomplete: "M12 6v7.5M12 17v.5",
  cannot_judge: "M9 9.5a3 3 0 1 1 4 2.8c-.8.4-1 .9-1 1.7M12 17.5v.3",
  absent: "M7 12h10",
};

// A small picture of a state; what it means stands beside it in words.
function mark(state) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("class", `mark ${state}`);
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", MARKS[state]);
  picture.append(path);
  return picture;
}

function facts(pairs, attributes = {}) {
  const shown = pairs.filter(([, value]) => value);
  return el("dl", { class: "facts", ...attributes }, shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

const ROWS_AT_ONCE = 200;
const zones = new Map();
const known = new Map();

// Whether this browser can tell times of a zone.
function knowsZone(zone) {
  if (!known.has(zone)) known.set(zone, isZone(zone));
  return known.get(zone);
}

function isZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en-GB", { timeZone: zone }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

// For a zone that the browser knows.
function zoned(zone, options) {
  const name = `${zone} ${JSON.stringify(options)}`;
  if (!zones.has(name)) {
    zones.set(name, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  }
  return zones.get(name);
}

const DAY = { day: "numeric", month: "short", year: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

function dateText(at, zone = "UTC") {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? String(at) : zoned(zone, DAY).format(time);
}

function clockText(at, zone = "UTC") {
  return zoned(zone, CLOCK).format(new Date(at));
}

// A time as people there had it, and in UTC.
function moment(at, zone) {
  if (!isTime(at)) return told(at);
  const local = `${dateText(at, zone)}, ${clockText(at, zone)}`;
  return el("time", { datetime: at }, local, zone === "UTC" ? " UTC" : el("span", { class: "soft" }, ` ${zone} \u00b7 `, el("span", { class: "utc" }, `${at.slice(0, 19).replace("T", " ")} UTC`)));
}

// Fills a box with the first of many, with more when the button that it gives is pressed, and with all of them on paper.
function growing(box, items, make) {
  const more = el("button", { type: "button", class: "quiet", onclick: () => grow(shown + ROWS_AT_ONCE) });
  let shown = 0;
  function grow(to) {
    shown = Math.min(to, items.length);
    while (box.childElementCount > shown) box.lastElementChild.remove();
    box.append(...items.slice(box.childElementCount, shown).map(make));
    more.textContent = `Show more (${(items.length - shown).toLocaleString("en")} left)`;
    more.hidden = shown === items.length;
  }
  grow(ROWS_AT_ONCE);
  onPaper(box, () => {
    const before = shown;
    grow(items.length);
    return () => grow(before);
  });
  return more;
}

function growingTable(head, items, row) {
  const body = el("tbody");
  const more = growing(body, items, row);
  return [el("table", {}, el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))), body), more];
}

const papers = new WeakMap();

// What an element shows on paper that it does not show on a screen; `show` gives what takes it back.
function onPaper(element, show) {
  papers.set(element, show);
  element.dataset.paper = "";
}

// Shows all that the document has, what is folded too; gives what takes it back.
function unfold() {
  const folded = [...document.querySelectorAll("details:not([open])")];
  for (const each of folded) each.open = true;
  const back = Array.from(document.querySelectorAll("[data-paper]"), (element) => papers.get(element)());
  return () => {
    for (const each of back) each();
    for (const each of folded) each.open = false;
  };
}
