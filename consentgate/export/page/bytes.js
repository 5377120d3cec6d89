// Bytes and their spellings. A decoder takes the one spelling of a value and refuses every other.

// What is wrong with something that was read: a kind of the closed list, and what was found instead of what.
class Fault extends Error {
  constructor(kind, found, expected = "", cure = "") {
    super(found);
    Object.assign(this, { kind, found, expected, cure });
  }
}

function malformed(found, expected = "") {
  return new Fault("malformed", found, expected);
}

const BASE64_TEXT = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const BASE64URL_TEXT = /^[A-Za-z0-9_-]*$/;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(text) {
  return ENCODER.encode(text);
}

function textOf(bytes) {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw malformed("bytes that are no UTF-8");
  }
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unhex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function binary(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

function base64(bytes) {
  return btoa(binary(bytes));
}

function base64url(bytes) {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Standard base64 with padding, as notes have it.
function unbase64(text) {
  if (!BASE64_TEXT.test(text)) throw malformed("a text that is no base64");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  // The last letter may carry bits that no byte has: then one value would have two spellings.
  if (text.endsWith("=") && base64(bytes.subarray(-(bytes.length % 3))) !== text.slice(-4)) {
    throw malformed("base64 in a second spelling");
  }
  return bytes;
}

// Unpadded base64url (RFC 4648, section 5).
function unbase64url(text) {
  if (typeof text !== "string" || !BASE64URL_TEXT.test(text) || text.length % 4 === 1) {
    throw malformed("a text that is no unpadded base64url");
  }
  return unbase64(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat(-text.length & 3));
}

function same(left, right) {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

function joined(...pieces) {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
