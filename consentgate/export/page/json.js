// Strict JSON, and the canonical spelling (RFC 8785, names in printable ASCII, integers below 2^53, no fractions).

const JSON_DEPTH = 32;
const ASCII_TEXT = /^[\x20-\x7e]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\]:,]|true|false|null/gs;

// Any strict JSON: no name twice in an object, no integer of 2^53 or more, no lone surrogate. What others sign may have
// numbers with a fraction.
function strictJson(text, fractions = false) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("a text that is no JSON");
  }
  const open = [];
  let name = null;
  for (const [token] of text.matchAll(JSON_TOKEN)) {
    if (token === "{" || token === "[") {
      open.push(token === "{" ? new Set() : null);
      if (open.length > JSON_DEPTH) throw malformed("JSON that is nested too deeply");
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      if (open.at(-1).has(name)) throw malformed("JSON with a name twice in one object");
      open.at(-1).add(name);
    } else if (token[0] === '"') {
      name = JSON.parse(token);
      if (LONE_SURROGATE.test(name)) throw malformed("JSON with half a character");
    } else if (/^-?\d/.test(token) && !(/^-?\d+$/.test(token) ? Number.isSafeInteger(Number(token)) : fractions && Number.isFinite(Number(token)))) {
      throw malformed("JSON with a number out of range");
    }
  }
  return value;
}

function canonical(value, depth = JSON_DEPTH) {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw malformed("JSON with a number that is no integer below 2^53");
    return String(value);
  }
  if (depth === 0) throw malformed("JSON that is nested too deeply");
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each, depth - 1)).join(",")}]`;
  const members = Object.keys(value).sort().map((name) => {
    if (!ASCII_TEXT.test(name)) throw malformed("JSON with a name outside of printable ASCII");
    return `${JSON.stringify(name)}:${canonical(value[name], depth - 1)}`;
  });
  return `{${members.join(",")}}`;
}

// JSON that has to be spelled canonically; a name twice, a fraction or a space shows as another spelling.
function canonicalJson(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed("a text that is no JSON");
  }
  if (canonical(value) !== text || (text.includes("\\ud") && hasLoneSurrogate(value))) {
    throw malformed("JSON in another than its canonical spelling");
  }
  return value;
}

function hasLoneSurrogate(value) {
  if (typeof value === "string") return LONE_SURROGATE.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasLoneSurrogate);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// An object with all of these members, and of the others at most those.
function members(value, always, others = []) {
  const names = isObject(value) ? Object.keys(value) : [];
  if (!isObject(value) || !always.every((name) => Object.hasOwn(value, name))) {
    throw malformed("an object that lacks a member");
  }
  const unknown = names.find((name) => !always.includes(name) && !others.includes(name));
  if (unknown !== undefined) throw malformed(`an object with an unknown member, ${JSON.stringify(unknown)}`);
  return value;
}
