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

function zoned(zone, options) {
  const name = `${zone} ${JSON.stringify(options)}`;
  if (!zones.has(name)) {
    let format;
    try {
      format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    } catch {
      format = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
    }
    zones.set(name, format);
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

// A table that shows its first rows, and more when asked.
function growing(head, items, row) {
  const body = el("tbody");
  const more = el("button", { type: "button", class: "quiet", onclick: grow }, "Show more");
  let shown = 0;
  function grow() {
    body.append(...items.slice(shown, shown + ROWS_AT_ONCE).map(row));
    shown += ROWS_AT_ONCE;
    more.hidden = shown >= items.length;
  }
  grow();
  return [el("table", {}, el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))), body), more];
}
