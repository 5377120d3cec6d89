// Level `artifacts`: the bytes that open parts name by digest are there, under their own digest, and so is what those
// name in turn: the manifest of a notice its text, an index of rules its files.

const ARTIFACTS = "data/artifacts/";
const NOTICES = "data/notices/";

class Artifacts {
  constructor(folder, report) {
    Object.assign(this, { folder, report });
    this.sound = new Set();
    this.followed = new Set();
  }

  async hash() {
    const { folder, report } = this;
    const digests = new Set();
    for (const path of folder.below(ARTIFACTS)) {
      const digest = await folder.digest(path);
      digests.add(digest);
      report.judged("artifacts");
      if (path === ARTIFACTS + digest) this.sound.add(path);
      else report.find("artifacts", "altered", shownPath(path), `SHA-256 ${digest}`, "bytes of the SHA-256 that it is named by");
    }
    for (const path of folder.below(NOTICES)) {
      if (!digests.has(await folder.digest(path))) report.find("artifacts", "altered", shownPath(path), "another text", "a copy of a notice of the package");
    }
  }

  // Takes note of what the opened parts of a record name.
  async take(contents) {
    for (const [name, content] of contents) {
      if (name === "statement.0") await this.name(content.manifest, "notice");
      if (name !== "body.0" && !name.startsWith("decision.")) continue;
      for (const each of [content, name === "body.0" ? content.decision : null].filter(isObject)) {
        await this.name(each.registry, "registry");
        await this.name(each.packs, "packs");
      }
    }
  }

  async name(named, role) {
    let digest;
    try {
      digest = unbase64url(named);
    } catch {
      return;
    }
    if (digest.length === 32) await this.follow(hex(digest), role);
  }

  async follow(digest, role) {
    if (this.followed.has(digest + role)) return;
    this.followed.add(digest + role);
    const path = ARTIFACTS + digest;
    if (!this.folder.has(path)) {
      this.report.find("artifacts", "missing", `artifact ${digest}`, "nothing", "bytes that an open part names");
    } else if (this.sound.has(path) && role === "notice") {
      const text = await this.read(path, (manifest) => unbase64url(manifest.digest) && manifest.digest);
      if (text !== null) await this.name(text, "");
    } else if (this.sound.has(path) && role === "packs") {
      for (const pack of (await this.read(path, packFiles)) ?? []) await this.follow(pack, "");
    }
  }

  // What `take` makes of the object in a file; null where it is another one.
  async read(path, take) {
    try {
      const value = canonicalJson(textOf(await this.folder.bytes(path)));
      if (!isObject(value)) throw malformed("a file that is no object");
      return take(value);
    } catch (error) {
      this.report.fault("artifacts", path, error);
      return null;
    }
  }
}

function packFiles({ packs }) {
  if (!isObject(packs)) throw malformed("an index without rules");
  return Object.values(packs).map((pack) => {
    if (!isObject(pack) || typeof pack.sha256 !== "string" || !HEX_TEXT.test(pack.sha256)) throw malformed("an index that names rules by no digest");
    return pack.sha256;
  });
}
