// Level `manifest`: what the package says of itself, and the signature under it.

const MANIFEST_LIMIT = 2 ** 28;
const HEX_TEXT = /^[0-9a-f]{64}$/;
const PATH_TEXT = /^[A-Za-z0-9_][A-Za-z0-9._+-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._+-]*)*$/;
const COUNTS = ["selected", "exported", "withheld_entries", "parts", "parts_open", "parts_withheld", "not_covered"];
const LISTS = ["manifest-sha256.txt", "SHA256SUMS", "tagmanifest-sha256.txt"];
// What the manifest cannot list, because it follows from it.
const UNLISTED = ["manifest.json", "manifest.jws", "manifest.json.tsr", ...LISTS];

async function judgeManifest(folder, report) {
  if (!folder.has("manifest.json")) {
    report.find("manifest", "missing", "manifest.json", "nothing", "the list of all files");
    return null;
  }
  try {
    const bytes = await folder.bytes("manifest.json", MANIFEST_LIMIT);
    const manifest = readManifest(canonicalJson(textOf(bytes)));
    report.judged("manifest");
    await judgeSignature(folder, bytes, report);
    return manifest;
  } catch (error) {
    report.fault("manifest", "manifest.json", error);
    return null;
  }
}

// The first failure is the one finding, so that one cause has one.
async function judgeSignature(folder, manifest, report) {
  let where = "manifest.jws";
  try {
    if (!folder.has(where)) throw new Fault("missing", "nothing", "the signature under manifest.json");
    const jws = readJws(textOf(await folder.bytes(where, 2 * MANIFEST_LIMIT)), "consentgate-package+jwt", 2 * MANIFEST_LIMIT);
    if (jws.alg !== "EdDSA") throw malformed("a signature with another algorithm");
    where = "package.jwk";
    if (!folder.has(where)) throw new Fault("missing", "nothing", "the key that signed");
    const key = readPackageKey(textOf(await folder.bytes(where)));
    report.signer = key.kid;
    where = "manifest.jws";
    if (!(await verifyJws(jws, key))) throw new Fault("forged", "a signature that is not one of the package key", `one of ${key.kid}`);
    if (!same(jws.payload, manifest)) throw new Fault("altered", "a signature under another text", "one under manifest.json");
  } catch (error) {
    report.fault("manifest", where, error);
    report.signer ??= await keyAsItIs(folder);
  }
}

// The fingerprint of the key that lies there, where the signature could not even be read.
async function keyAsItIs(folder) {
  try {
    return folder.has("package.jwk") ? readPackageKey(textOf(await folder.bytes("package.jwk"))).kid : null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return null;
  }
}

function readPackageKey(text) {
  if (!text.endsWith("\n")) throw malformed("a key without its line feed");
  return publicKey(members(canonicalJson(text.slice(0, -1)), ["crv", "kty", "x"]));
}

// Members that verification uses have exactly their types; the others are shown as they are.
function readManifest(value) {
  require(isObject(value) && value.v === 1, "another version than 1");
  require(typeof value.export === "string" && isTime(value.at), "no export or time");
  const { bates, counts, logs, files } = value;
  require(isObject(bates) && typeof bates.prefix === "string", "no Bates numbers");
  require([bates.digits, bates.first, bates.last].every(isCount) && bates.digits <= 30, "no range of Bates numbers");
  require(isObject(counts) && COUNTS.every((name) => isCount(counts[name])), "no counts");
  require(Array.isArray(logs) && Array.isArray(files), "no logs or files");
  let number = -1;
  for (const log of logs) {
    require(isObject(log) && [log.number, log.size, log.positions].every(isCount), "a log without number or size");
    require([log.origin, log.root, log.vkey].every((text) => typeof text === "string"), "a log without origin or key");
    require(unbase64url(log.root).length === 32 && log.number > number, "logs out of order, or without root");
    number = log.number;
  }
  let before = "";
  for (const file of files) {
    require(isObject(file) && typeof file.path === "string" && PATH_TEXT.test(file.path), "a file with a path that is none");
    require(file.path > before && !UNLISTED.includes(file.path), "files out of order");
    require(isCount(file.size) && typeof file.sha256 === "string" && HEX_TEXT.test(file.sha256), "a file without digest");
    require(!("kind" in file) || typeof file.kind === "string", "a file with a kind that is none");
    before = file.path;
  }
  return value;
}

function require(holds, found) {
  if (!holds) throw malformed(`a manifest with ${found}`);
}

function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

function batesOf({ bates }, number) {
  return bates.prefix + String(number).padStart(bates.digits, "0");
}

// The number that a text spells, or null.
function batesNumber(manifest, text) {
  const { prefix, digits } = manifest.bates;
  if (typeof text !== "string" || !text.startsWith(prefix)) return null;
  const spelled = text.slice(prefix.length);
  if (!/^\d{1,100}$/.test(spelled) || spelled.length < digits) return null;
  return spelled.length > Math.max(1, digits) && spelled[0] === "0" ? null : Number(spelled);
}
