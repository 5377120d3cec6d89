// Level `records`, along the lines of `entries.jsonl`: each holds a leaf in its one spelling, the sealed parts that the
// leaf names and the keys that those name. What cannot be read is left out of everything that follows.

const ENTRIES = "data/records/entries.jsonl";
const REASONS_WITHHELD = ["destroyed", "matches", "other_person", "privilege", "references", "role", "templates"];
const AT_ONCE = 32;

class Records {
  constructor(folder, manifest, report) {
    Object.assign(this, { folder, manifest, report });
    this.all = []; // the records that could be read, in order
    this.there = folder.has(ENTRIES);
    this.leftOut = false;
    this.hasGap = false;
    this.inOrder = true;
    this.lines = 0;
    this.open = 0;
    this.withheld = []; // {bates, entry, part, reason}
    this.expected = manifest.bates.first;
    this.before = { log: -1, position: -1 };
  }

  // Whether every record of the range could be read, once all were.
  get whole() {
    return this.there && !this.leftOut && !this.hasGap;
  }

  // Goes along the lines; `take` is given each record that could be read while its parts are at hand.
  async judge(take, progress) {
    const { folder, report } = this;
    if (!this.there) report.find("records", "missing", ENTRIES, "nothing", "the exact records");
    const readable = new Readable(folder, report);
    for await (const lines of this.there ? folder.lines(ENTRIES) : []) {
      for (let at = 0; at < lines.length; at += AT_ONCE) {
        const some = lines.slice(at, at + AT_ONCE);
        const read = await Promise.all(some.map((line) => this.read(line)));
        for (let i = 0; i < some.length; i++) {
          const record = this.place(read[i], some[i]);
          const { span, redacted } = await readable.take(record);
          if (record !== null) this.all.push(await take({ ...record, shown: span, redacted }));
        }
        progress(some.at(-1).end - some[0].start);
      }
    }
    if (this.there) {
      await readable.finish();
      if (this.expected <= this.manifest.bates.last) this.gap();
    }
    const entries = await judgeWithheld(folder, report, this.there && !this.leftOut ? this.withheld : null);
    const kinds = report.levels.get("records").findings.map(({ kind }) => kind);
    if (this.there && !kinds.some((kind) => ["malformed", "missing", "extra", "reordered"].includes(kind))) this.reconcile(entries);
  }

  // Reads a line and opens its parts. A fault that leaves the record out stands in `fault`, others in `faults`.
  async read({ bytes, whole }) {
    const read = { number: null, faults: [], contents: new Map(), fits: true };
    try {
      if (!whole) throw malformed("a line without its line feed");
      const line = canonicalJson(textOf(bytes));
      if (!isObject(line)) throw malformed("a line that is no object");
      read.number = batesNumber(this.manifest, line.bates);
      if (read.number === null) throw malformed("a line without a Bates number of this package");
      this.readEntry(read, line);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { ...read, fault: error };
    }
    const { line, leaf } = read;
    if (line.entry !== leaf.id) read.faults.push(["", new Fault("altered", "the id of another entry", leaf.id)]);
    read.fits = leaf.parts.length === line.parts.length && leaf.parts.every(({ p }, i) => p === line.parts[i].p);
    if (read.fits) await Promise.all(line.parts.map((part, i) => this.openPart(read, part, leaf.parts[i])));
    else read.faults.push(["", new Fault("altered", "other parts than the leaf names", leaf.parts.map(({ p }) => p).join(", "))]);
    return read;
  }

  readEntry(read, line) {
    members(line, ["bates", "entry", "leaf", "log", "parts", "position"]);
    const log = this.manifest.logs.find(({ number }) => number === line.log);
    if (typeof line.entry !== "string" || !Array.isArray(line.parts)) throw malformed("a line of another form");
    if (!log || !isCount(line.position) || line.position >= log.size) throw malformed("an entry without a place in a log");
    const exact = unbase64url(line.leaf);
    Object.assign(read, { line, leaf: readLeaf(exact), hash: leafHash(exact) });
    for (const part of line.parts) requirePart(part);
  }

  async openPart(read, part, named) {
    try {
      if (base64url(sha256(utf8(part.jwe))) !== named.d) throw new Fault("altered", "another sealed part than the leaf names", `SHA-256 ${named.d}`);
      if ("withheld" in part) return;
      const content = canonicalJson(textOf(await openSealed(part.jwe, part.key)));
      if (!isObject(content)) throw malformed("content that is no object");
      read.contents.set(part.p, content);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      read.faults.push([` part ${part.p}`, error]);
    }
  }

  // Judges the number and the position of what was read; null where it is left out.
  place(read, { start, end }) {
    const { report, manifest } = this;
    this.lines++;
    if (read.number === null) {
      this.expected++;
      this.leftOut = true;
      report.fault("records", ENTRIES, read.fault);
      return null;
    }
    const bates = batesOf(manifest, read.number);
    const where = `record ${bates}`;
    this.count(read.number, where);
    if (read.fault) {
      this.leftOut = true;
      report.fault("records", where, read.fault);
      return null;
    }
    const { entry, log, position, parts } = read.line;
    if (log < this.before.log || (log === this.before.log && position <= this.before.position)) {
      this.inOrder = false;
      report.find("records", "reordered", where, "an earlier position", "records in the order of their positions");
    }
    this.before = { log, position };
    for (const [part, fault] of read.faults) report.fault("records", where + part, fault);
    const sealed = parts.filter((part) => "withheld" in part).map(({ p, withheld }) => ({ bates, entry, part: p, reason: withheld }));
    this.open += parts.length - sealed.length;
    this.withheld.push(...sealed);
    report.judged("records");
    return { ...read, bates, where, log, position, sealed, span: [start, end] };
  }

  count(number, where) {
    const { first, last } = this.manifest.bates;
    if (number < first || number > last) {
      this.report.find("records", "extra", where, "a record out of the range", "nothing");
    } else if (number < this.expected) {
      this.report.find("records", "reordered", where, "a record that stands too late, or twice", "a record in its place");
    } else {
      if (number > this.expected) this.gap();
      this.expected = number + 1;
    }
  }

  gap() {
    this.hasGap = true;
    this.report.find("records", "missing", `record ${batesOf(this.manifest, this.expected)}`, "nothing", "each number of the range once");
  }

  reconcile(entries) {
    const { bates, counts, logs } = this.manifest;
    const seen = [
      [counts.exported, this.lines],
      [counts.withheld_entries, entries],
      [counts.selected, this.lines + entries],
      [counts.parts, this.open + this.withheld.length],
      [counts.parts_open, this.open],
      [counts.parts_withheld, this.withheld.length],
      [bates.last - bates.first + 1, this.lines],
      ...logs.map((log) => [log.positions, this.all.filter((record) => record.log === log.number).length]),
    ];
    const other = seen.find(([told, found]) => told !== found);
    if (other) this.report.find("records", "altered", "manifest.json", String(other[1]), `a count of ${other[0]}`);
  }
}

function requirePart(part) {
  const open = isObject(part) && "key" in part;
  members(part, ["jwe", "p", open ? "key" : "withheld"]);
  if (typeof part.p !== "string" || typeof part.jwe !== "string") throw malformed("a part without name or token");
  if (open && unbase64url(part.key).length !== 32) throw malformed("a part with a key that is not 32 bytes");
  if (!open && !REASONS_WITHHELD.includes(part.withheld)) throw malformed("a part that is withheld for no known reason");
}
