// Leaves: the small records without personal data that the log's tree is made of. A leaf has one spelling.

const LEAF_LIMIT = 4096;
const TIME_TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const ID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const PART_TEXT = /^(?:(?:body|matches)\.0|(?:statement|call|assertion|decision|exchange)\.(?:[0-9]|1[01]))$/;
const FINAL_ENDS = ["succeeded", "rejected", "not_sent", "undetermined"];

// What the leaf of each kind may have: its parts' words, whether it needs one, and further members.
const KINDS = {
  statement: { parts: ["statement"] },
  call: { parts: ["call", "body"] },
  assertion: { parts: ["assertion", "body"] },
  registry: { parts: ["body"] },
  packs: { parts: ["body"] },
  intent: { parts: ["decision", "exchange", "body"], also: ["decided_at", "send_by"] },
  denial: { parts: ["decision", "exchange", "body"], also: ["decided_at"] },
  outcome: { parts: ["exchange", "matches", "body"], also: ["re", "end"], ends: FINAL_ENDS },
  observation: { parts: ["exchange", "matches", "body"], also: ["re", "end"], ends: [...FINAL_ENDS, "unknown"] },
  stop: { parts: ["decision", "exchange", "body"], also: ["re"], bare: true },
  hold: { parts: ["decision", "body"] },
  key_destroyed: { parts: ["body"] },
  export: { parts: ["body"] },
  heartbeat: { parts: ["body"], bare: true },
  writer_stop: { parts: [], bare: true },
  epoch: { parts: ["body"] },
};

function readLeaf(bytes) {
  if (bytes.length > LEAF_LIMIT) throw malformed("a leaf of more than 4,096 bytes");
  const text = textOf(bytes);
  if (!ASCII_TEXT.test(text)) throw malformed("a leaf with other letters than printable ASCII");
  const leaf = canonicalJson(text);
  const kind = isObject(leaf) && typeof leaf.kind === "string" && Object.hasOwn(KINDS, leaf.kind) ? KINDS[leaf.kind] : null;
  if (kind === null) throw malformed("a leaf of no known kind");
  const always = ["v", "id", "kind", "at", "w", "n", ...(kind.also ?? []), ...(leaf.n === 0 ? [] : ["prev"])];
  members(leaf, always, ["parts", ...(leaf.n === 0 ? ["after"] : [])]);
  if (leaf.v !== 1) throw malformed("a leaf of another version");
  requireText(leaf.id, ID_TEXT, "id");
  for (const name of ["at", "decided_at", "send_by"]) if (name in leaf) requireTime(leaf[name]);
  requirePlace(leaf);
  if ("prev" in leaf) requireBytes(leaf.prev, 32);
  if ("after" in leaf) {
    requirePlace(members(leaf.after, ["n", "w"]));
    if (leaf.after.w === leaf.w) throw malformed("a leaf that follows its own lane");
  }
  if ("re" in leaf) {
    requireText(members(leaf.re, ["h", "id"]).id, ID_TEXT, "id");
    requireBytes(leaf.re.h, 32);
  }
  if ("end" in leaf && !kind.ends.includes(leaf.end)) throw malformed("a leaf with an end that its kind does not have");
  requireParts(leaf, kind);
  return leaf;
}

function requireParts(leaf, kind) {
  if (!("parts" in leaf)) {
    if (!kind.bare) throw malformed("a leaf without parts");
    leaf.parts = [];
    return;
  }
  if (!Array.isArray(leaf.parts) || leaf.parts.length === 0) throw malformed("a leaf with an empty list of parts");
  let before = "";
  for (const part of leaf.parts) {
    members(part, ["d", "p", "t"]);
    requireText(part.p, PART_TEXT, "name of a part");
    if (!kind.parts.includes(part.p.split(".")[0]) || part.p <= before) {
      throw malformed("a leaf with a part that its kind does not have, or out of order");
    }
    requireBytes(part.d, 32);
    requireBytes(part.t, 16);
    before = part.p;
  }
}

function requirePlace({ w, n }) {
  requireBytes(w, 16);
  if (!Number.isSafeInteger(n) || n < 0) throw malformed("a leaf whose number in its lane is none");
}

function requireText(value, pattern, what) {
  if (typeof value !== "string" || !pattern.test(value)) throw malformed(`a leaf with another kind of ${what}`);
}

function requireBytes(value, size) {
  if (unbase64url(value).length !== size) throw malformed(`a leaf with bytes that are not ${size}`);
}

function isTime(value) {
  if (typeof value !== "string" || !TIME_TEXT.test(value) || value.startsWith("0000")) return false;
  const at = new Date(value);
  return !Number.isNaN(at.getTime()) && at.toISOString() === value;
}

function requireTime(value) {
  if (!isTime(value)) throw malformed("a leaf with a time that is none");
}
