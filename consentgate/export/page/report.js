// What a verification finds: by level, each with its findings and what it could say; and the conclusion from all.

const LEVELS = [
  "files", "manifest", "records", "answers", "statements", "artifacts", "tree", "checkpoint", "witnesses", "timestamps",
];

const MOST_FINDINGS = 1000; // of a level
const ASK_AGAIN = "Ask whoever gave you the package for it again; keep this one as it is.";

class Report {
  constructor() {
    this.levels = new Map(LEVELS.map((name) => [name, { findings: [], judged: 0, unjudged: "", absent: "" }]));
    this.signer = null; // thumbprint of the package key, as soon as it can be read
  }

  find(level, kind, where, found = "", expected = "", cure = "") {
    const { findings } = this.levels.get(level);
    if (findings.length >= MOST_FINDINGS || findings.some((each) => each.kind === kind && each.where === where)) return;
    findings.push({ level, kind, where, expected, found, cure: cure || ASK_AGAIN });
  }

  // What `read` threw, at its place; anything but a fault is an error of this page.
  fault(level, where, error) {
    if (!(error instanceof Fault)) throw error;
    this.find(level, error.kind, where, error.found, error.expected, error.cure);
  }

  judged(level, count = 1) {
    this.levels.get(level).judged += count;
  }

  cannotJudge(level, why) {
    this.levels.get(level).unjudged = why;
  }

  absent(level, why) {
    this.levels.get(level).absent = why;
  }

  state(level) {
    const { findings, unjudged, absent } = this.levels.get(level);
    if (findings.some(({ kind }) => kind !== "open")) return "broken";
    if (findings.length > 0) return "incomplete";
    if (unjudged) return "cannot_judge";
    return absent ? "absent" : "holds";
  }

  get findings() {
    return [...this.levels.values()].flatMap(({ findings }) => findings);
  }

  get broken() {
    return LEVELS.some((level) => this.state(level) === "broken");
  }

  // Whether any of these findings is of a level that may have more than are kept.
  isCut(findings) {
    return findings.some(({ level }) => this.levels.get(level).findings.length >= MOST_FINDINGS);
  }

  // One word, from what the reader brought along: the fingerprint of the cover letter, witnesses of their own. Witnesses
  // know the log, not the package: whoever left records out has the same checkpoint, so they lift no unknown signer.
  conclude({ fingerprint = "", witnesses = null } = {}) {
    if (this.broken || (fingerprint && fingerprint !== this.signer) || witnesses?.findings.length > 0) return "broken";
    if (!fingerprint) return "consistent";
    return witnesses?.names.length > 0 ? "witnessed" : "confirmed";
  }
}
