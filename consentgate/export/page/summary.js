// What the time line knows of each record: a title, a line of detail, whom and which call it is about, and the letters
// to search in. The content itself is read again from the file when somebody looks at it.

const LONGEST_SEARCHED = 256;
const DIGEST_TEXT = /^[A-Za-z0-9_-]{43}$/;

function indexed({ bates, leaf, line, hash, where, span, shown, log, position, contents, redacted, sealed }, statement) {
  const readable = new Map([...redacted, ...contents]);
  const told = summary(leaf, readable, statement, sealed);
  const words = [bates, leaf.id, leaf.at, plain(leaf.kind), told.title, told.detail];
  for (const content of readable.values()) gather(content, words);
  if (statement !== null) gather([statement.claims, statement.issuer], words);
  return {
    bates, entry: leaf.id, kind: leaf.kind, at: leaf.at, end: leaf.end, re: leaf.re, sendBy: leaf.send_by,
    log, position, hash, where, span, shown, sealed, parts: line.parts.length, statement, ...told,
    search: words.join("\n").replace(/[\u2068\u2069]/g, "").toLowerCase(),
  };
}

function gather(value, words) {
  if (typeof value === "string") {
    if (value.length <= LONGEST_SEARCHED && !DIGEST_TEXT.test(value)) words.push(value);
  } else if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) gather(each, words);
  }
}

function summary(leaf, parts, statement, sealed) {
  const first = (word) => [...parts].find(([name]) => name.startsWith(`${word}.`))?.[1];
  const about = { call: "", who: "", tone: "", detail: "", title: KIND_WORDS[leaf.kind] };
  const describe = DESCRIPTIONS[leaf.kind];
  if (describe) Object.assign(about, describe(leaf, first, statement));
  if (parts.size === 0 && sealed.length > 0) {
    about.detail = `Withheld: ${[...new Set(sealed.map(({ reason }) => WITHHELD_WORDS[reason]))].join("; ")}.`;
  }
  for (const name of ["title", "detail", "who", "call"]) about[name] = String(about[name] ?? "");
  return about;
}

const DESCRIPTIONS = {
  statement(leaf, first, statement) {
    if (statement === null) return {};
    const { claims, issuer } = statement;
    const [title, tone] = STATE_OF_CONSENT[claims.state] ?? [String(claims.state), ""];
    const purposes = listed(claims.purposes);
    const detail = [purposes && `for ${purposes}`, METHOD_WORDS[claims.method], issuer && `attested by ${apart(issuer)}`];
    return { title, tone, detail: capital(detail.filter(Boolean).join(", ")), who: reference(claims.subject_refs?.[0]),
      call: claims.context?.transaction_id ? `transaction/${claims.context.transaction_id}` : "" };
  },
  call(leaf, first) {
    const content = first("call") ?? first("body");
    if (!content) return {};
    const who = reference(content.speaker?.references?.[0]);
    const title = content.event === "left" ? "Left the call" : content.leg ? `${content.leg} joined the call` : "Call registered";
    const facts = [content.purpose && `for ${apart(plain(content.purpose))}`, content.recording_consent && `recording: ${apart(plain(content.recording_consent))}`];
    return { title, call: content.call, who, detail: capital(facts.filter(Boolean).join(", ")) };
  },
  assertion(leaf, first) {
    const content = first("assertion") ?? first("body");
    if (!content) return {};
    return { title: `Asserted: ${apart(plain(content.name))}`, detail: `${apart(shortly(content.value))}, by ${apart(content.by)}, since ${dateText(content.since)}` };
  },
  intent: (leaf, first) => decided(first, "Allowed", "yes"),
  denial: (leaf, first) => decided(first, "Denied", "no"),
  outcome(leaf, first) {
    const content = first("exchange") ?? first("body")?.exchange;
    const [end, tone] = END_WORDS[leaf.end];
    const detail = content && [content.status && `HTTP ${apart(content.status)}`, content.error && apart(content.error), content.task && `task ${apart(content.task)}`];
    return { title: `The request ${end}`, tone, detail: detail ? detail.filter(Boolean).join(", ") : "" };
  },
  observation(leaf, first) {
    const content = first("exchange") ?? first("body")?.exchange;
    if (!content) return { title: `Seen: the request ${END_WORDS[leaf.end][0]}` };
    const seen = content.status ?? content.said ?? content.operation ?? END_WORDS[leaf.end][0];
    const detail = [content.source && `by ${apart(plain(content.source))}`, content.task && `task ${apart(content.task)}`];
    return { title: `Seen: ${apart(plain(seen))}`, detail: capital(detail.filter(Boolean).join(", ")) };
  },
  stop(leaf, first) {
    const reasons = first("decision")?.reasons ?? [];
    return { title: "Ordered to stop", tone: "warn", cause: first("decision")?.cause, detail: sentencesOf(reasons) };
  },
};

function decided(first, verdict, tone) {
  const content = first("decision") ?? first("body")?.decision;
  if (!content) return { tone };
  const asked = content.decision ?? content;
  const title = `${verdict}: ${ACTION_WORDS[content.action] ?? plain(content.action ?? "request")}`;
  const reasons = Array.isArray(asked.reasons) ? asked.reasons : [];
  const transaction = content.asked?.context?.transaction_id;
  return {
    title, tone, who: reference(content.references?.[0]),
    call: content.call ?? (transaction ? `transaction/${transaction}` : ""),
    detail: sentencesOf(reasons) || (content.purpose ? `For ${apart(plain(content.purpose))}` : ""),
  };
}

function sentencesOf(reasons) {
  return Array.isArray(reasons) ? [...new Set(reasons.map((reason) => reasonWords(reason?.code).sentence))].join(" ") : "";
}

// A text out of the package inside of a sentence: its direction and its overrides end with it.
function apart(text) {
  return `\u2068${text}\u2069`;
}

function reference(value) {
  return isObject(value) && typeof value.value === "string" ? `${plain(value.kind)} ${apart(value.value)}` : "";
}

function listed(words) {
  return Array.isArray(words) ? words.map((word) => apart(plain(word))).join(", ") : "";
}

function shortly(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}\u2026` : text;
}

// Outcomes and what answers them belong to the call of their request.
function withCalls(records) {
  const byEntry = new Map(records.map((record) => [record.entry, record]));
  for (const record of records) {
    for (let at = record, steps = 0; !record.call && at?.re && steps < 3; steps++) {
      at = byEntry.get(at.re.id);
      record.call = at?.call ?? "";
      record.who ||= at?.who ?? "";
    }
    const cause = byEntry.get(record.cause);
    if (cause !== undefined && record.detail === "") record.detail = `Because of ${cause.bates}: ${cause.title}`;
  }
}
