// Levels `answers` and `statements`: what records say of each other, and what people signed.

const STATEMENT_TYPE = "consent-statement+jwt";
const STATEMENTS = "data/statements/";

function judgeAnswers(report, records, manifest, whole) {
  if (!whole) report.cannotJudge("answers", "Records are missing or unreadable: requests and outcomes may be among them.");
  const byEntry = new Map(records.map((record) => [record.entry, record]));
  const ended = new Set();
  for (const { kind, re, where } of records) {
    if (!re) continue;
    const target = byEntry.get(re.id);
    if (target !== undefined && ["intent", "stop"].includes(target.kind)) {
      report.judged("answers");
      if (base64url(target.hash) !== re.h) report.find("answers", "forged", where, "the hash of another entry", `the hash of ${target.bates}`);
    }
    if (kind !== "outcome") continue;
    if (ended.has(re.id)) report.find("answers", "extra", where, "a second outcome", "one outcome of each request");
    ended.add(re.id);
  }
  for (const { kind, entry, sendBy, where } of records) {
    if (kind === "intent" && sendBy < manifest.at && !ended.has(entry)) {
      report.find("answers", "open", where, "no outcome in this package", "an outcome, since its time to leave is over", "Ask how this request ended.");
    }
  }
}

// Keys of issuers, out of the registries in the package: iss -> {name, keys: kid -> key}.
async function issuersOf(folder, manifest, artifacts) {
  const issuers = new Map();
  for (const { path, kind } of manifest.files) {
    if (kind !== "registry" || !artifacts.sound.has(path)) continue;
    const found = await artifacts.read(path, ({ issuers: listed }) => requireList(listed).flatMap((issuer) => {
      if (typeof issuer?.iss !== "string") throw malformed("an issuer without a name");
      return requireList(issuer.keys).map((key) => [issuer, publicKey(isObject(key) ? key.jwk : null)]);
    }));
    for (const [{ iss, name }, key] of found ?? []) {
      if (!issuers.has(iss)) issuers.set(iss, { name: typeof name === "string" ? name : iss, keys: new Map() });
      issuers.get(iss).keys.set(key.kid, key);
    }
  }
  return issuers;
}

function requireList(value) {
  if (!Array.isArray(value)) throw malformed("a member that is no list");
  return value;
}

class Statements {
  constructor(folder, report, issuers) {
    Object.assign(this, { folder, report, issuers });
    this.files = new Set();
  }

  // Judges the statement of a record, if it is open; gives what it says, whether or not it verifies, or null.
  async take({ bates, where: record, contents }) {
    const content = contents.get("statement.0");
    if (content === undefined) return null;
    const { report } = this;
    const where = `${record} part statement.0`;
    if (typeof content.token !== "string") {
      report.find("statements", "malformed", where, "no token", "a signed statement");
      return null;
    }
    await this.file(`${STATEMENTS}${bates}.jws`, utf8(content.token));
    let claims = null;
    try {
      const jws = readJws(content.token, STATEMENT_TYPE);
      const payload = strictJson(textOf(jws.payload), true);
      if (!isObject(payload) || typeof payload.iss !== "string") throw malformed("a statement without issuer");
      claims = payload;
      const key = this.issuers.get(claims.iss)?.keys.get(jws.kid);
      if (key === undefined || !isFor(jws, key)) throw new Fault("unsigned", "a key that no registry of the package has", "a key of the issuer");
      if (!(await verifyJws(jws, key))) throw new Fault("forged", "a signature that does not fit", "the signature of the issuer");
      report.judged("statements");
    } catch (error) {
      report.fault("statements", where, error);
    }
    return claims && { claims, issuer: this.issuers.get(claims.iss)?.name ?? claims.iss };
  }

  // What is shown of a statement whose references are redacted; nothing proves it.
  shown({ redacted }) {
    const { claims } = redacted.get("statement.0") ?? {};
    return isObject(claims) ? { claims, issuer: this.issuers.get(claims.iss)?.name ?? claims.iss } : null;
  }

  async file(path, token) {
    this.files.add(path);
    if (!this.folder.has(path)) this.report.find("statements", "missing", path, "nothing", "the statement as it was signed");
    else if (!(await this.folder.is(path, token))) this.report.find("statements", "altered", path, "another text", "the statement as it was signed");
  }

  finish(manifest, { there, leftOut, whole }) {
    if (!whole) this.report.cannotJudge("statements", "Records are missing or unreadable: signed statements may be among them.");
    if (!there || leftOut) return;
    for (const { path } of manifest.files) {
      if (path.startsWith(STATEMENTS) && !this.files.has(path)) {
        this.report.find("statements", "extra", path, "a statement of no open record", "a statement of a record");
      }
    }
  }
}
