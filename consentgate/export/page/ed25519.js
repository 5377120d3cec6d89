// Ed25519 (RFC 8032), strictly: the key is the one spelling of a point that is not of small order, S lies below the
// group's order, and R is compared as bytes. Where the browser knows Ed25519, its own code decides after these checks.

const ED_P = 2n ** 255n - 19n;
const ED_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function edMod(number) {
  const rest = number % ED_P;
  return rest < 0n ? rest + ED_P : rest;
}

function edPower(base, exponent) {
  let result = 1n;
  for (; exponent > 0n; exponent >>= 1n, base = edMod(base * base)) {
    if (exponent & 1n) result = edMod(result * base);
  }
  return result;
}

const ED_D = edMod(-121665n * edPower(121666n, ED_P - 2n));
const ED_ROOT = edPower(2n, (ED_P - 1n) / 4n); // of -1
const ED_ZERO = [0n, 1n, 1n, 0n];

function littleEndian(bytes) {
  return BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);
}

// Extended coordinates (X : Y : Z : T); the formula is complete, so that it doubles too.
function edAdd([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = edMod((y1 - x1) * (y2 - x2));
  const b = edMod((y1 + x1) * (y2 + x2));
  const c = edMod(2n * ED_D * edMod(t1 * t2));
  const d = edMod(2n * z1 * z2);
  return [edMod((b - a) * (d - c)), edMod((d + c) * (b + a)), edMod((d - c) * (d + c)), edMod((b - a) * (b + a))];
}

// The point of 32 bytes (RFC 8032, 5.1.3), or null.
function edPoint(bytes) {
  const whole = littleEndian(bytes);
  const y = whole & (2n ** 255n - 1n);
  if (y >= ED_P) return null;
  const u = edMod(y * y - 1n);
  const v = edMod(ED_D * y * y + 1n);
  const v3 = edMod(v * v * v);
  let x = edMod(u * v3 * edPower(edMod(u * v3 * v3 * v), (ED_P - 5n) / 8n));
  const square = edMod(v * x * x);
  if (square === edMod(-u)) x = edMod(x * ED_ROOT);
  else if (square !== u) return null;
  const odd = whole >> 255n;
  if (x === 0n && odd === 1n) return null;
  if ((x & 1n) !== odd) x = ED_P - x;
  return [x, y, 1n, edMod(x * y)];
}

const ED_BASE = edPoint(unhex(`58${"66".repeat(31)}`));

function edSpelling([x, y, z]) {
  const over = edPower(z, ED_P - 2n);
  const number = edMod(y * over) | ((edMod(x * over) & 1n) << 255n);
  return unhex(number.toString(16).padStart(64, "0")).reverse();
}

function isZero([x, y, z]) {
  return edMod(x) === 0n && edMod(y - z) === 0n;
}

// A usable public key, or null: the other spellings and the eight points of small order verify too much.
function edKey(bytes) {
  const point = bytes.length === 32 ? edPoint(bytes) : null;
  if (point === null) return null;
  let eighth = point;
  for (let i = 0; i < 3; i++) eighth = edAdd(eighth, eighth);
  return isZero(eighth) ? null : point;
}

async function edVerifyHere(point, key, message, signature) {
  const input = joined(signature.subarray(0, 32), key, message);
  const h = littleEndian(new Uint8Array(await crypto.subtle.digest("SHA-512", input))) % ED_ORDER;
  const s = littleEndian(signature.subarray(32));
  const minus = [ED_P - point[0], point[1], point[2], ED_P - point[3]];
  const both = edAdd(ED_BASE, minus);
  let sum = ED_ZERO;
  for (let bit = 252n; bit >= 0n; bit--) {
    sum = edAdd(sum, sum);
    const [ofBase, ofKey] = [(s >> bit) & 1n, (h >> bit) & 1n];
    if (ofBase && ofKey) sum = edAdd(sum, both);
    else if (ofBase) sum = edAdd(sum, ED_BASE);
    else if (ofKey) sum = edAdd(sum, minus);
  }
  return same(edSpelling(sum), signature.subarray(0, 32));
}

let edInBrowser = null;

// Whether the browser itself knows Ed25519; asked once.
function edNative() {
  edInBrowser ??= crypto.subtle
    .importKey("raw", edSpelling(ED_BASE), "Ed25519", false, ["verify"])
    .then(() => true, () => false);
  return edInBrowser;
}

async function verifyEd25519(key, message, signature) {
  const point = edKey(key);
  if (point === null || signature.length !== 64 || littleEndian(signature.subarray(32)) >= ED_ORDER) return false;
  if (!(await edNative())) return edVerifyHere(point, key, message, signature);
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, message);
}
