// One record, and the calls: what happened on each, as one page.

function findingsOf(record) {
  return app.result.report.findings.filter(({ where }) => where === record.where || where.startsWith(`${record.where} part`));
}

async function recordView(bates) {
  const at = app.result.records.findIndex((record) => record.bates === bates);
  if (at < 0) return missingView(`There is no record ${bates} in this package.`);
  const record = app.result.records[at];
  const answers = app.result.records.filter(({ re }) => re?.id === record.entry);
  const findings = findingsOf(record);
  const neighbours = el("p", { class: "neighbours" }, [at - 1, at + 1].map((i, side) => {
    const other = app.result.records[i];
    return other && link(`#/record/${encodeURIComponent(other.bates)}`, side === 0 ? `\u2190 ${other.bates}` : `${other.bates} \u2192`);
  }));
  return {
    title: `${record.bates}: ${record.title}`,
    elements: [
      el("p", { class: "over" }, link("#/timeline", "Time line"), ` \u00b7 ${KIND_WORDS[record.kind]}`),
      el("h1", {}, el("span", { class: `dot ${record.tone}`, "aria-hidden": "true" }), told(record.title)),
      ...(findings.length > 0 ? findingList(findings) : []),
      facts([
        ["Bates number", el("span", { class: "bates" }, record.bates)],
        ["Written", moment(record.at, zone())],
        ["About", record.who && told(record.who)],
        ["Call", record.call && link(callHash(record.call), told(record.call))],
        ["Answers", record.re && (isEntry(record.re.id) ? entryLink(record.re.id) : "a record outside of this package")],
        ["Answered by", answers.length > 0 && el("span", {}, answers.flatMap((each, i) => [i > 0 ? ", " : "", entryLink(each.entry)]))],
        ["In the log", `log ${record.log}, position ${record.position.toLocaleString("en")}`],
        ["Entry", el("code", {}, record.entry)],
      ]),
      ...(await recordContent(record, 2)),
      neighbours,
    ],
  };
}

function missingView(text) {
  return { title: "Not found", elements: [el("h1", {}, "Not found"), el("p", {}, told(text)), el("p", {}, link("#/timeline", "Go to the time line"))] };
}

function callHash(call) {
  return `#/call/${encodeURIComponent(call)}`;
}

function calls() {
  const byCall = new Map();
  for (const record of app.result.records) {
    if (!record.call) continue;
    if (!byCall.has(record.call)) byCall.set(record.call, []);
    byCall.get(record.call).push(record);
  }
  return byCall;
}

function callsView() {
  const all = [...calls()];
  const rows = all.length === 0 ? [el("p", {}, "No record names a call.")] : growingTable(["Began", "Call", "About", "Decisions", "Records"], all, callRow);
  return { title: "Calls", elements: [el("h1", {}, "Calls"), ...rows] };
}

function callRow([call, records]) {
  const count = (kind) => records.filter((record) => record.kind === kind).length;
  const whom = [...new Set(records.map(({ who }) => who).filter(Boolean))].slice(0, 2).join("; ");
  const decisions = [["intent", "allowed", "yes"], ["denial", "denied", "no"]].filter(([kind]) => count(kind) > 0);
  return el("tr", {},
    el("td", {}, el("time", { datetime: records[0].at }, dateText(records[0].at, zone()), el("span", { class: "soft" }, ` ${clockText(records[0].at, zone())}`))),
    el("th", { scope: "row", class: "id" }, link(callHash(call), told(call.split("/").at(-1)))),
    el("td", {}, told(whom)),
    el("td", {}, decisions.map(([kind, word, tone]) => el("span", { class: "tally" }, el("span", { class: `dot ${tone}`, "aria-hidden": "true" }), `${count(kind)} ${word}`))),
    el("td", { class: "number" }, String(records.length)));
}

async function callView(call) {
  const records = calls().get(call);
  if (!records) return missingView(`No record names the call ${call}.`);
  const whom = [...new Set(records.map(({ who }) => who).filter(Boolean))];
  const events = [];
  for (const record of records) events.push(await callEvent(record));
  return {
    title: `Call ${call}`,
    elements: [
      el("p", { class: "over" }, link("#/calls", "Calls")),
      el("h1", {}, "Call ", told(call.split("/").at(-1), { class: "id" })),
      facts([
        ["First record", moment(records[0].at, zone())],
        ["Last record", records.length > 1 && moment(records.at(-1).at, zone())],
        ["About", whom.length > 0 && told(whom.join("; "))],
        ["Named in the ledger", el("code", {}, told(call))],
      ]),
      el("ol", { class: "story" }, events),
      ...(await statementsBehind(records)),
    ],
  };
}

async function callEvent(record) {
  return el("li", {},
    el("span", { class: `dot ${record.tone}`, "aria-hidden": "true" }),
    el("h2", {}, link(`#/record/${encodeURIComponent(record.bates)}`, told(record.title))),
    el("p", { class: "soft" }, eventTime(record.at), " \u00b7 ", el("span", { class: "bates" }, record.bates)),
    findingsOf(record).length > 0 && findingList(findingsOf(record)),
    ...(["intent", "denial", "stop"].includes(record.kind) ? await recordContent(record, 3, (name) => !name.startsWith("exchange.")) : [record.detail && el("p", {}, told(record.detail))]));
}

function eventTime(at) {
  const utc = zone() === "UTC" ? "" : ` (${at.slice(11, 19)} UTC)`;
  return el("time", { datetime: at }, `${dateText(at, zone())}, ${clockText(at, zone())}${utc}`);
}

// The statements that the call's decisions read.
async function statementsBehind(records) {
  const named = new Set();
  for (const record of records.filter(({ kind }) => kind === "intent" || kind === "denial")) {
    for (const { content } of (await opened(record)).values()) {
      for (const id of [...(Array.isArray(content?.statements) ? content.statements : []), content?.decision?.grant]) {
        if (isEntry(id) && app.byEntry.get(id).kind === "statement") named.add(id);
      }
    }
  }
  const blocks = [];
  for (const id of named) {
    const record = app.byEntry.get(id);
    blocks.push(el("section", { class: "card" }, el("h3", {}, entryLink(id)), ...(await statementContent(record, 4))));
  }
  return blocks.length > 0 ? [el("h2", { class: "apart" }, "Statements that the decisions read"), ...blocks] : [];
}
