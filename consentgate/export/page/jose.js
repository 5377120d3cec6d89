// Signed and sealed tokens, and keys: compact JWS (RFC 7515), compact JWE (RFC 7516), JWK thumbprints (RFC 7638).

const P256_HALF = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
const P256_PRIME = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const KEY_OF_ALG = { EdDSA: "Ed25519", Ed25519: "Ed25519", ES256: "P-256" };
const SEALED_HEADER = /^\{"alg":"dir","enc":"A256GCM","kid":"[A-Za-z0-9_-]{43}"\}$/;

// A public key of a JWK, with its thumbprint.
function publicKey(jwk) {
  if (!isObject(jwk) || ["d", "k", "p", "q"].some((name) => name in jwk)) throw malformed("a key that is no public JWK");
  const { kty, crv, x, y } = jwk;
  let key;
  if (kty === "OKP" && crv === "Ed25519") {
    const point = unbase64url(x);
    if (edKey(point) === null) throw malformed("an Ed25519 key that is no usable point");
    key = { curve: crv, spelled: `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`, verify: (signed, signature) => verifyEd25519(point, signed, signature) };
  } else if (kty === "EC" && crv === "P-256") {
    if (!onP256(unbase64url(x), unbase64url(y))) throw malformed("a P-256 key that is no point of the curve");
    key = { curve: crv, spelled: `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`, verify: (signed, signature) => verifyP256({ kty, crv, x, y }, signed, signature) };
  } else {
    throw malformed("a key that is neither Ed25519 nor P-256");
  }
  key.kid = base64url(sha256(utf8(key.spelled)));
  const names = kty === "EC" ? ["ES256"] : ["EdDSA", "Ed25519"];
  if ((jwk.kid ?? key.kid) !== key.kid || !names.includes(jwk.alg ?? names[0]) || (jwk.use ?? "sig") !== "sig") {
    throw malformed("a key whose kid, alg or use does not fit it");
  }
  return key;
}

function bigEndian(bytes) {
  return BigInt(`0x${hex(bytes)}`);
}

function onP256(x, y) {
  if (x.length !== 32 || y.length !== 32) return false;
  const [a, b] = [bigEndian(x), bigEndian(y)];
  return a < P256_PRIME && b < P256_PRIME && (a * a * a - 3n * a + P256_B - b * b) % P256_PRIME === 0n;
}

// ECDSA over P-256 with SHA-256; of the two signatures that fit, only the one with the lower s counts.
async function verifyP256(jwk, signed, signature) {
  if (bigEndian(signature.subarray(32)) > P256_HALF) return false;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  return crypto.subtle.verify(algorithm, key, signature, signed);
}

// A signed token, read and not yet verified.
function readJws(token, typ, limit = 65536) {
  if (typeof token !== "string" || token.length > limit) throw malformed("a signed token that is too long");
  const pieces = token.split(".");
  if (pieces.length !== 3) throw malformed("a text that is no signed token of three parts");
  const header = members(strictJson(textOf(unbase64url(pieces[0]))), ["alg", "kid", "typ"]);
  if (typeof header.alg !== "string" || !Object.hasOwn(KEY_OF_ALG, header.alg)) throw malformed("a signed token with another algorithm");
  if (header.typ !== typ) throw malformed("a signed token of another type");
  if (unbase64url(header.kid).length !== 32) throw malformed("a signed token whose kid is no thumbprint");
  const [payload, signature] = [unbase64url(pieces[1]), unbase64url(pieces[2])];
  if (signature.length !== 64) throw malformed("a signature that is not 64 bytes");
  return { ...header, payload, signature, signed: utf8(`${pieces[0]}.${pieces[1]}`) };
}

function isFor(jws, key) {
  return KEY_OF_ALG[jws.alg] === key.curve;
}

async function verifyJws(jws, key) {
  return jws.kid === key.kid && isFor(jws, key) && key.verify(jws.signed, jws.signature);
}

// A sealed token, taken apart. Its key is compared with the kid before anything is decrypted: AES-GCM alone does not
// commit to a key, and a token can be made that opens under two.
async function openSealed(token, key) {
  const pieces = typeof token === "string" && token.length <= 2 ** 24 ? token.split(".") : [];
  if (pieces.length !== 5 || pieces[1] !== "") throw malformed("a text that is no directly sealed token");
  const [header, , iv, ciphertext, tag] = pieces;
  const spelled = textOf(unbase64url(header));
  if (!SEALED_HEADER.test(spelled)) throw malformed("a sealed token with another header");
  const parts = [unbase64url(iv), unbase64url(ciphertext), unbase64url(tag)];
  if (parts[0].length !== 12 || parts[2].length !== 16) throw malformed("a sealed token with an IV or tag of another length");
  const kid = base64url(sha256(utf8(`{"k":"${key}","kty":"oct"}`)));
  if (JSON.parse(spelled).kid !== kid) throw new Fault("forged", "a key that the sealed token does not name", "its own key");
  const algorithm = { name: "AES-GCM", iv: parts[0], additionalData: utf8(header), tagLength: 128 };
  const imported = await crypto.subtle.importKey("raw", unbase64url(key), "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, imported, joined(parts[1], parts[2])));
  } catch {
    throw new Fault("altered", "a sealed token that does not decrypt", "content as it was sealed");
  }
}
