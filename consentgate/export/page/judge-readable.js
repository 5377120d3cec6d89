// Level `records`, in step with the exact lines: the readable form says what leaf and opened parts say, and the list of
// what is withheld names what is.

const READABLE = "data/records/records.jsonl";
const WITHHELD = "data/withheld/withheld.jsonl";

class Readable {
  #lines;
  #goesOn;

  constructor(folder, report) {
    this.report = report;
    this.#goesOn = folder.has(READABLE);
    this.#lines = oneByOne(folder, READABLE);
    if (!this.#goesOn) report.find("records", "missing", READABLE, "nothing", "the records in readable form");
  }

  // Goes on by one line, which is passed over where the record could not be read: {span, redacted} of the record.
  async take(record) {
    const nothing = { span: null, redacted: new Map() };
    if (!this.#goesOn) return nothing;
    const { value: read } = await this.#lines.next();
    if (read === undefined) this.#stop("altered", "fewer lines", "a line for each record");
    if (read === undefined || record === null) return nothing;
    let shown;
    try {
      if (!read.whole) throw malformed("a line without its line feed");
      shown = canonicalJson(textOf(read.bytes));
      if (!isObject(shown)) throw malformed("a line that is no object");
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#stop("malformed", error.found, "canonical JSON, one object a line");
      return nothing;
    }
    if (shown.bates !== record.bates) {
      this.#stop("altered", "another record", `the record ${record.bates}`);
      return nothing;
    }
    const redacted = new Map();
    if (!readsAs(shown, record, redacted)) {
      this.report.find("records", "altered", record.where, "a readable form that says something else", "what was sealed");
      return nothing;
    }
    return { span: [read.start, read.end], redacted };
  }

  async finish() {
    if (this.#goesOn && !(await this.#lines.next()).done) this.#stop("altered", "more lines", "a line for each record");
  }

  #stop(kind, found, expected) {
    this.#goesOn = false;
    this.report.find("records", kind, READABLE, found, expected);
  }
}

async function* oneByOne(folder, path) {
  if (!folder.has(path)) return;
  for await (const lines of folder.lines(path)) yield* lines;
}

// Whether a readable line says what the exact one does; collects what is shown of redacted parts, which nothing proves.
function readsAs({ parts: shown, ...told }, { line, leaf, contents, fits }, redacted) {
  const expected = { at: leaf.at, bates: line.bates, entry: leaf.id, kind: leaf.kind, log: line.log, position: line.position };
  if ("end" in leaf) expected.end = leaf.end;
  if ("re" in leaf) expected.re = leaf.re.id;
  if (canonical(told) !== canonical(expected) || !isObject(shown)) return false;
  if (!fits) return true;
  if (Object.keys(shown).length !== line.parts.length) return false;
  return line.parts.every(({ p, withheld }) => {
    if (!Object.hasOwn(shown, p)) return false;
    const value = shown[p];
    if (withheld === undefined) return !contents.has(p) || canonical(value) === canonical(contents.get(p));
    if (canonical(value) === canonical({ withheld })) return true;
    if (!isObject(value) || Object.keys(value).length !== 2 || value.redacted !== withheld || !isObject(value.shown)) return false;
    redacted.set(p, value.shown);
    return true;
  });
}

// Gives the number of entries that are withheld as a whole; parts are compared unless they are null.
async function judgeWithheld(folder, report, parts) {
  if (!folder.has(WITHHELD)) {
    report.find("records", "missing", WITHHELD, "nothing", "the list of what is withheld");
    return 0;
  }
  let entries = 0;
  const logged = [];
  for await (const { bytes, whole } of oneByOne(folder, WITHHELD)) {
    try {
      const line = whole ? canonicalJson(textOf(bytes)) : null;
      members(line, ["entry", "reason", "rule"], ["bates", "part"]);
      if ("part" in line !== "bates" in line || !Object.values(line).every((each) => typeof each === "string")) throw malformed("a line of another form");
      if ("part" in line) logged.push(line);
      else entries++;
    } catch (error) {
      report.fault("records", WITHHELD, error);
    }
  }
  const spelled = ({ bates, entry, part, reason }) => JSON.stringify([bates, entry, part, reason]);
  if (parts !== null && (logged.length !== parts.length || logged.some((each, i) => spelled(each) !== spelled(parts[i])))) {
    report.find("records", "altered", WITHHELD, "another list", "what is withheld, in order");
  }
  return entries;
}
