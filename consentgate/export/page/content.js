// The content of a record, read again from the package and shown: decisions with their reasons and law, statements with
// the exact text that was shown, anything else member by member.

const BYTES_MEMBERS = ["body", "response"];

// Reads a record's parts again: name -> {content} | {withheld} | {redacted, content}.
async function opened(record) {
  const { folder } = app.result;
  const line = canonicalJson(await folder.line(ENTRIES, record.span));
  const readable = record.shown ? canonicalJson(await folder.line(READABLE, record.shown)) : { parts: {} };
  const parts = new Map();
  for (const part of line.parts) {
    const shown = readable.parts[part.p];
    if ("key" in part) {
      try {
        parts.set(part.p, { content: canonicalJson(textOf(await openSealed(part.jwe, part.key))) });
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        parts.set(part.p, { unreadable: error.found });
      }
    } else if (isObject(shown) && isObject(shown.shown)) {
      parts.set(part.p, { redacted: part.withheld, content: shown.shown });
    } else {
      parts.set(part.p, { withheld: part.withheld });
    }
  }
  return parts;
}

// Headings begin at the given level: 2 on the page of a record, 3 in that of a call.
async function recordContent(record, level, wanted = () => true) {
  const blocks = [];
  for (const [name, part] of await opened(record)) {
    if (!wanted(name)) continue;
    blocks.push(el("section", { class: "part" }, el(`h${level}`, {}, partTitle(name)), ...(await partContent(name, part, record, level + 1))));
  }
  return blocks;
}

function partTitle(name) {
  const [word, place] = name.split(".");
  const title = { exchange: "What was sent or answered", body: "Content", matches: "The whole answer", decision: "Decision" }[word];
  const which = Number(place) > 0 ? `, speaker ${Number(place) + 1}` : "";
  return (title ?? capital(word)) + which;
}

async function partContent(name, part, record, level) {
  if (part.unreadable) return [el("p", { class: "soft" }, `Cannot be opened: ${part.unreadable}.`)];
  if (part.withheld) return [el("p", { class: "soft" }, `Withheld: ${WITHHELD_WORDS[part.withheld] ?? part.withheld}.`)];
  const notes = part.redacted
    ? [el("p", { class: "note" }, `Partly withheld: ${WITHHELD_WORDS[part.redacted] ?? part.redacted}. What is shown of it cannot be verified.`)]
    : [];
  if (name.startsWith("statement.")) return [...notes, ...(await statementContent(record, level))];
  const decision = name.startsWith("decision.") ? part.content : part.content.decision;
  if (isObject(decision)) return [...notes, ...decisionContent(decision, part.content, level)];
  return [...notes, tree(part.content)];
}

function decisionContent(decision, whole, level) {
  const own = isObject(decision.decision) ? decision.decision : decision;
  const { reasons = [], obligations = [], grant, packs = [], candidates = [] } = own;
  const blocks = [];
  if (reasons.length > 0) blocks.push(reasonList(reasons));
  if (isEntry(decision.cause)) blocks.push(el("p", {}, "Because of ", entryLink(decision.cause), "."));
  if (isEntry(grant)) blocks.push(el("p", {}, "Allowed on the consent in ", entryLink(grant), "."));
  if (Array.isArray(obligations) && obligations.length > 0) {
    blocks.push(el(`h${level}`, { class: "inner" }, "What follows"), el("ul", { class: "reasons" }, obligations.map((each) => el("li", {},
      el("p", {}, `${DUTY_WORDS[each.duty] ?? plain(each.duty)}${each.due ? ` ${dateText(each.due, zone())}` : ""}`), basisList(each.bases)))));
  }
  if (Array.isArray(packs) && packs.length > 0) {
    blocks.push(facts([["Law applied", told(packs.map(({ code }) => packName(code)).join(", "))],
      ["Asked about", candidates.length > packs.length ? told(candidates.join(", ")) : ""]]));
  }
  blocks.push(el("details", {}, el("summary", {}, "Everything that the decision read and said"), tree(whole)));
  return blocks;
}

function reasonList(reasons) {
  return el("ul", { class: "reasons" }, reasons.map((reason) => {
    const { sentence, cure } = reasonWords(reason.code);
    const detail = Array.isArray(reason.detail) && reason.detail.length > 0 ? ` ${capital(listed(reason.detail))}.` : "";
    return el("li", {}, el("p", {}, el("strong", {}, told(sentence + detail)), reason.speaker && el("span", { class: "soft" }, " ", told(reason.speaker))),
      basisList(reason.bases), cure && el("p", { class: "soft" }, `What would cure it: ${cure}`), el("p", { class: "code" }, told(reason.code)));
  }));
}

function basisList(bases) {
  if (!Array.isArray(bases) || bases.length === 0) return null;
  return el("ul", { class: "bases" }, bases.map(({ pack, citation }) =>
    el("li", {}, isEntry(citation) ? entryLink(citation) : el("cite", {}, told(citation)), " ", el("span", { class: "soft" }, told(packName(pack))))));
}

async function statementContent(record, level) {
  if (record.statement === null) return [el("p", { class: "soft" }, "The statement cannot be read.")];
  const { claims, issuer } = record.statement;
  const expressed = isTime(claims.event_time) ? moment(claims.event_time, zone()) : told(claims.event_time ?? "");
  const blocks = [
    facts([
      ["Expressed", expressed],
      ["How", METHOD_WORDS[claims.method] ?? told(claims.method)],
      ["Person", Array.isArray(claims.subject_refs) ? told(claims.subject_refs.map(reference).join("; ")) : ""],
      ["Purposes", told(listed(claims.purposes))],
      ["May do", told(listed(claims.operations))],
      ["For", told(listed(claims.controllers))],
      ["Valid until", claims.valid_until ? moment(claims.valid_until, zone()) : ""],
      ["Attested by", told(issuer)],
    ]),
  ];
  if (isObject(claims.notice)) blocks.push(...(await noticeContent(claims.notice, level)));
  blocks.push(el("details", {}, el("summary", {}, "All that was signed"), tree(claims)));
  return blocks;
}

// The exact text that the person was shown, out of the artifact that the statement names by digest.
async function noticeContent({ id, version, language, digest }, level) {
  const title = el(`h${level}`, { class: "inner" }, "The text that was shown ", el("span", { class: "soft" }, told(`${id}, version ${version}, ${language}`)));
  let path = "";
  try {
    path = `data/artifacts/${hex(unbase64url(digest))}`;
  } catch {
    return [title, el("p", { class: "soft" }, "The statement names it by no digest.")];
  }
  const listedAs = app.result.manifest.files.find((file) => file.path === path);
  if (!listedAs || !app.result.folder.has(path)) return [title, el("p", { class: "soft" }, "It is not in this package.")];
  if (!String(listedAs.media_type).startsWith("text/")) {
    return [title, el("p", { class: "soft" }, "It is no text: open the file ", el("code", {}, path), told(` (${listedAs.media_type}).`))];
  }
  return [title, el("blockquote", { dir: "auto", lang: typeof language === "string" ? language : false }, textOf(await app.result.folder.bytes(path)))];
}

// Any value, member by member.
function tree(value, name = "") {
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each !== "object" || each === null)) {
      return el("span", {}, value.flatMap((each, i) => [i > 0 ? ", " : "", scalar(each, name)]));
    }
    return el("ol", { class: "tree" }, value.map((each) => el("li", {}, tree(each, name))));
  }
  if (!isObject(value)) return scalar(value, name);
  return el("dl", { class: "tree" }, Object.entries(value).filter(([member]) => isShown(value, member)).map(([member, each]) =>
    el("div", {}, el("dt", {}, told(MEMBER_WORDS.get(member) ?? plain(member))), el("dd", {}, tree(each, member)))));
}

// `adult` says that somebody is at least 18 where the age is not known: that nobody said so tells nothing beside an age.
function isShown(value, member) {
  return member !== "v" && !(member === "adult" && value.adult === false && Number.isInteger(value.age));
}

function scalar(value, name) {
  if (isEntry(value)) return entryLink(value);
  if (isTime(value)) return moment(value, zone());
  if (BYTES_MEMBERS.includes(name) && typeof value === "string") {
    try {
      return el("pre", {}, told(textOf(unbase64url(value))));
    } catch {
      return el("code", {}, told(value));
    }
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === "") return el("span", { class: "soft" }, "empty");
  return el(DIGEST_TEXT.test(value) ? "code" : "span", {}, told(value === null ? "nothing" : value));
}

function isEntry(value) {
  return typeof value === "string" && ID_TEXT.test(value) && app.byEntry.has(value);
}

function entryLink(id) {
  const record = app.byEntry.get(id);
  return link(`#/record/${encodeURIComponent(record.bates)}`, el("span", { class: "bates" }, record.bates), " ", told(record.title));
}

// The zone in which times are shown: the package's, where this browser knows it.
function zone() {
  const named = app.result.manifest?.time_zone;
  return typeof named === "string" && knowsZone(named) ? named : "UTC";
}
