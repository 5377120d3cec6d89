// The time line: every record in its order, to be searched and filtered.

function timelineView() {
  const { records } = app.result;
  const kinds = [...new Set(records.map(({ kind }) => kind))];
  const search = el("input", { type: "search", id: "q", autocomplete: "off", spellcheck: "false", placeholder: "Search", value: app.filter.q });
  const kind = el("select", { id: "kind" }, el("option", { value: "" }, "All kinds"),
    kinds.map((each) => el("option", { value: each, selected: app.filter.kind === each }, KIND_WORDS[each])));
  const from = el("input", { type: "date", id: "from", value: app.filter.from });
  const to = el("input", { type: "date", id: "to", value: app.filter.to });
  const count = el("output", { for: "q kind from to" });
  const box = el("ol", { class: "rows", role: "list", "aria-label": "Records in their order" });
  const none = el("p", { class: "none", hidden: true }, "No record is left. Widen the filters.");
  const list = new VirtualList(box, timelineRow);

  function apply() {
    app.filter = { q: search.value, kind: kind.value, from: from.value, to: to.value };
    const shown = filtered(records, app.filter);
    count.textContent = shown.length === records.length ? countOf(records.length, "record") : `${shown.length.toLocaleString("en")} of ${countOf(records.length, "record")}`;
    none.hidden = shown.length > 0;
    list.items = shown;
  }

  const form = el("form", { class: "filters", role: "search", "aria-label": "Records", oninput: apply, onsubmit: (event) => event.preventDefault() },
    field("Search", search, "wide"), field("Kind", kind), field("From", from), field("Until", to), count);
  onPaper(box, () => {
    list.drawAll();
    return apply;
  });
  return {
    title: "Time line",
    elements: [el("p", { class: "over" }, zone() === "UTC" ? "Times are UTC." : `Times are those of ${zone()}. Each record has its UTC time too.`), el("h1", {}, "Time line"), form, none, box],
    ready: apply,
    close: () => list.close(),
  };
}

function field(name, input, style = "") {
  return el("label", { class: style }, el("span", {}, name), input);
}

// Every word has to be somewhere in the record; days are those of the package's time zone.
function filtered(records, { q, kind, from, to }) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const day = from || to ? dayNames() : null;
  return records.filter((record) => {
    if (kind && record.kind !== kind) return false;
    if (day !== null) {
      record.date ??= day(record.at); // once: every letter of a search comes here
      if ((from && record.date < from) || (to && record.date > to)) return false;
    }
    return words.every((word) => record.search.includes(word));
  });
}

function dayNames() {
  const format = zoned(zone(), { year: "numeric", month: "2-digit", day: "2-digit" });
  return (at) => format.format(new Date(at)).split("/").reverse().join("-");
}

// Day and time of a record as people there had it; kept, because a row is made anew whenever it comes into view.
function localTime(record) {
  record.local ??= { day: dateText(record.at, zone()), clock: clockText(record.at, zone()) };
  return record.local;
}

function timelineRow(record, i, items) {
  const { day, clock } = localTime(record);
  const anew = i === 0 || localTime(items[i - 1]).day !== day;
  return el("li", { class: anew ? "row anew" : "row" },
    el("a", { href: `#/record/${encodeURIComponent(record.bates)}` },
      el("time", { datetime: record.at }, el("span", { class: anew ? "day" : "day again" }, day), " ", el("span", { class: "clock" }, clock)),
      el("span", { class: `dot ${record.tone}`, "aria-hidden": "true" }),
      el("span", { class: "what" }, told(record.title, { class: "title" }), " ", told(record.detail, { class: "soft" })),
      el("span", { class: "whom soft" }, told(record.who)),
      el("span", { class: "bates" }, record.bates)));
}
