// The log's tree (RFC 6962): many leaves are proved at once, by the hashes of whatever lies between them.

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

function leafHash(bytes) {
  return sha256(LEAF_PREFIX, bytes);
}

// The root over `size` leaves, from the hashes of those at `positions` (ascending) and, for each stretch between them,
// the next of the given hashes.
function rootOf(size, positions, hashes, nodes) {
  if (nodes.length % 32 !== 0) throw malformed("a list of hashes that breaks off");
  let used = 0;
  function next() {
    if (used + 32 > nodes.length) throw malformed("fewer hashes than the tree needs");
    used += 32;
    return nodes.subarray(used - 32, used);
  }
  // Over the leaves from `low` up to `high`, of which those numbered from `first` up to `last` are known.
  function walk(low, high, first, last) {
    if (first === last) return next();
    if (high - low === 1) return hashes[first];
    let half = 1;
    while (half * 2 < high - low) half *= 2;
    const middle = low + half;
    let split = first;
    while (split < last && positions[split] < middle) split++;
    return sha256(NODE_PREFIX, walk(low, middle, first, split), walk(middle, high, split, last));
  }
  const root = size === 0 ? sha256() : walk(0, size, 0, positions.length);
  if (used !== nodes.length) throw malformed("more hashes than the tree needs");
  return root;
}
