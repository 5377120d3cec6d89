// Signed notes of C2SP: checkpoints of the log, cosignatures of witnesses, and the policy that says whom to believe.

const LOG_TYPE = 1;
const WITNESS_TYPE = 4;
const NOTE_LIMIT = 2 ** 20;
const CONTROL_LETTER = /[\x00-\x09\x0b-\x1f]/;
const NOT_IN_NAMES = /[+\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|\p{Surrogate}/u;

// A key in its text form: name, key id in hexadecimal, type and key in base64.
function readVkey(text, type) {
  const [, name = "", id = "", encoded = ""] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? [];
  if (name === "" || NOT_IN_NAMES.test(name)) throw malformed("a text that is no key of a log or witness");
  const material = unbase64(encoded);
  if (material.length !== 33 || material[0] !== type || edKey(material.subarray(1)) === null) {
    throw malformed("a key of another type, or that cannot be used");
  }
  const key = { name, id: sha256(utf8(`${name}\n`), material).subarray(0, 4), public: material.subarray(1) };
  if (hex(key.id) !== id) throw malformed("a key whose id does not fit it");
  return key;
}

function readNote(bytes) {
  if (bytes.length > NOTE_LIMIT) throw malformed("a note of more than 1 MiB");
  const whole = textOf(bytes);
  const gap = whole.lastIndexOf("\n\n");
  if (CONTROL_LETTER.test(whole) || gap < 0 || !whole.endsWith("\n")) throw malformed("a text that is no signed note");
  const lines = whole.slice(gap + 2, -1).split("\n");
  if (lines.length > 100) throw malformed("a note with more than 100 signatures");
  const signatures = lines.map((line) => {
    const [, name, encoded] = /^\u2014 ([^ ]+) (.*)$/s.exec(line) ?? [];
    if (name === undefined || NOT_IN_NAMES.test(name)) throw malformed("a note with a line that is no signature");
    const blob = unbase64(encoded);
    if (blob.length < 5) throw malformed("a note with a signature that is too short");
    return { name, id: blob.subarray(0, 4), blob: blob.subarray(4) };
  });
  return { text: whole.slice(0, gap + 1), signatures };
}

function readCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] !== "" || !/^(?:0|[1-9]\d{0,18})$/.test(lines[1])) {
    throw malformed("a note that is no checkpoint of three lines");
  }
  const root = unbase64(lines[2]);
  if (root.length !== 32 || lines[0] === "" || NOT_IN_NAMES.test(lines[0])) throw malformed("a checkpoint without origin or root");
  return { origin: lines[0], size: lines[1], root };
}

function signaturesOf(note, key) {
  return note.signatures.filter((each) => each.name === key.name && same(each.id, key.id));
}

// Whether the log itself signed: each signature under its name and id has to fit, and there has to be one.
async function logSigned(note, key) {
  const own = signaturesOf(note, key);
  const fits = await Promise.all(own.map((each) => verifyEd25519(key.public, utf8(note.text), each.blob)));
  return fits.length > 0 && fits.every(Boolean);
}

// The time of a witness's cosignature in seconds since 1970; null where there is none. One that fails is a fault.
async function cosignedAt(note, key) {
  let time = null;
  for (const { blob } of signaturesOf(note, key)) {
    const seconds = blob.length === 72 ? new DataView(blob.buffer, blob.byteOffset).getBigUint64(0) : -1n;
    const signed = utf8(`cosignature/v1\ntime ${seconds}\n${note.text}`);
    const fits = seconds >= 0n && seconds < 2n ** 63n && (await verifyEd25519(key.public, signed, blob.subarray(8)));
    if (!fits) throw new Fault("forged", `a cosignature of ${key.name} that does not fit`, "one that fits the checkpoint");
    time = Number(seconds);
  }
  return time;
}

// Which logs and witnesses are known, and how many have to have cosigned (C2SP tlog-policy).
function readPolicy(bytes) {
  if (bytes.length > 2 ** 18) throw malformed("a policy of more than 256 KiB");
  // A name is bytes and nothing more: each byte stands for itself here.
  const lines = binary(bytes).split("\n");
  if (lines.pop() !== "") throw malformed("a policy that breaks off");
  const policy = { logs: [], witnesses: [], groups: [], quorum: undefined };
  const [defined, taken, keys] = [new Set(), new Set(), new Set()];
  function once(value, seen) {
    if (seen.has(value)) throw malformed("a policy that names something twice");
    seen.add(value);
  }
  function define(name) {
    if (name === "none") throw malformed("a policy that defines the name none");
    once(name, defined);
  }
  function item(word, words) {
    if (word === "log" && (words.length === 1 || words.length === 2)) {
      policy.logs.push(readVkey(latin(words[0]), LOG_TYPE));
      once(`log ${hex(policy.logs.at(-1).public)}`, keys);
    } else if (word === "witness" && (words.length === 2 || words.length === 3)) {
      const key = readVkey(latin(words[1]), WITNESS_TYPE);
      once(`witness ${hex(key.public)}`, keys);
      define(words[0]);
      policy.witnesses.push({ name: words[0], key });
    } else if (word === "group" && words.length >= 3) {
      const [name, threshold, ...parts] = words;
      for (const part of parts) {
        if (!defined.has(part)) throw malformed("a policy with a group of something undefined");
        once(part, taken);
      }
      const number = /^[1-9]\d{0,5}$/.test(threshold) ? Number(threshold) : 0;
      const needed = threshold === "all" ? parts.length : threshold === "any" ? 1 : number;
      if (needed < 1 || needed > parts.length) throw malformed("a policy with a threshold that cannot be");
      define(name);
      policy.groups.push({ name, needed, parts });
    } else if (word === "quorum" && words.length === 1 && policy.quorum === undefined) {
      if (words[0] !== "none" && !defined.has(words[0])) throw malformed("a policy with an undefined quorum");
      policy.quorum = words[0];
    } else {
      throw malformed("a policy with a line of another form");
    }
  }
  for (const line of lines) {
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(line)) throw malformed("a policy with control characters");
    const [word, ...words] = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
    if (word !== "" && !word.startsWith("#")) item(word, words);
  }
  if (policy.quorum === undefined) throw malformed("a policy without a quorum");
  return policy;
}

function latin(text) {
  return textOf(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
}

// Whether enough of the witnesses cosigned, of whom the names are given.
function isMet(policy, cosigned) {
  const content = new Set(cosigned);
  for (const { name, needed, parts } of policy.groups) {
    if (parts.filter((part) => content.has(part)).length >= needed) content.add(name);
  }
  return policy.quorum === "none" || content.has(policy.quorum);
}
