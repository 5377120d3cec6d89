// Levels `tree`, `checkpoint`, `witnesses` and `timestamps`, for each log: that the records stood in an append-only log
// whose size and root were signed, and who else says so.

const POLICY = "data/keys/witnesses.policy";

async function judgeTrees(folder, manifest, report, { all, there, leftOut, inOrder }) {
  if (!there || leftOut || !inOrder) {
    report.cannotJudge("tree", "Records are missing, unreadable or out of order.");
    return;
  }
  for (const { number, size, root } of manifest.logs) {
    const path = `data/log/${number}/nodes.bin`;
    if (!folder.has(path)) {
      report.find("tree", "missing", path, "nothing", "the hashes between the records");
      continue;
    }
    const own = all.filter((record) => record.log === number);
    try {
      const nodes = await folder.bytes(path, 2 ** 31);
      const found = base64url(rootOf(size, own.map(({ position }) => position), own.map(({ hash }) => hash), nodes));
      report.judged("tree", own.length);
      if (found !== root) report.find("tree", "altered", `log ${number}`, `root ${found}`, `root ${root}`);
    } catch (error) {
      report.fault("tree", path, error);
    }
  }
}

// Gives the notes that could be read, by log.
async function judgeCheckpoints(folder, manifest, report) {
  const notes = new Map();
  for (const log of manifest.logs) {
    const vkey = `data/log/${log.number}/vkey`;
    if (!folder.has(vkey)) report.find("checkpoint", "missing", vkey, "nothing", "the key of the log");
    else if (!(await folder.is(vkey, utf8(`${log.vkey}\n`)))) report.find("checkpoint", "altered", vkey, "another key", "the key that the manifest names");
    const path = `data/log/${log.number}/checkpoint`;
    if (!folder.has(path)) {
      report.find("checkpoint", "missing", path, "nothing", "the signed checkpoint");
      continue;
    }
    try {
      const note = readNote(await folder.bytes(path, NOTE_LIMIT));
      const { origin, size, root } = readCheckpoint(note.text);
      notes.set(log.number, note);
      report.judged("checkpoint");
      await judgeLogSignature(report, log, note, path);
      if (origin !== log.origin || size !== String(log.size) || base64url(root) !== log.root) {
        report.find("checkpoint", "altered", `log ${log.number}`, "others", "origin, size and root of the manifest");
      }
    } catch (error) {
      report.fault("checkpoint", path, error);
    }
  }
  return notes;
}

async function judgeLogSignature(report, { number, origin, vkey }, note, path) {
  let key = null;
  try {
    key = readVkey(vkey, LOG_TYPE);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  if (key !== null && key.name !== origin) report.find("checkpoint", "altered", `log ${number}`, `the key of ${key.name}`, `the key of ${origin}`);
  if (key === null || !(await logSigned(note, key))) {
    report.find("checkpoint", "forged", path, "a checkpoint that the log did not sign", `a signature of ${vkey}`);
  }
}

// Witnesses whom the policy in the package names. That it names them proves nothing: the reader has to know them.
async function judgeWitnesses(folder, manifest, report, notes) {
  if (!folder.has(POLICY)) {
    const others = manifest.logs.some(({ number, origin }) => notes.get(number)?.signatures.some(({ name }) => name !== origin));
    if (others) report.cannotJudge("witnesses", "Others signed the checkpoint too, and the package does not say whom to believe.");
    else report.absent("witnesses", "No witness cosigned, and no policy asks for one.");
    return;
  }
  try {
    const policy = readPolicy(await folder.bytes(POLICY, 2 ** 18));
    for (const finding of (await askWitnesses(policy, manifest, notes)).findings) report.find("witnesses", ...finding);
    report.judged("witnesses", policy.witnesses.length);
  } catch (error) {
    report.fault("witnesses", POLICY, error);
  }
}

// What a policy makes of the checkpoints: {names, findings}. Only the newest log has to meet it.
async function askWitnesses(policy, manifest, notes) {
  const newest = Math.max(...manifest.logs.map(({ number }) => number));
  const findings = [];
  let names = [];
  for (const [number, note] of notes) {
    const cosigned = [];
    try {
      for (const { name, key } of policy.witnesses) if ((await cosignedAt(note, key)) !== null) cosigned.push(name);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      findings.push(["forged", `data/log/${number}/checkpoint`, error.found, error.expected]);
      continue;
    }
    if (number !== newest) continue;
    if (policy.logs.length > 0 && !(await anySigned(policy.logs, note))) {
      findings.push(["unsigned", `log ${number}`, "no signature of a log of the policy", "one of them"]);
    } else if (!isMet(policy, cosigned)) {
      findings.push(["unsigned", `log ${number}`, "fewer cosignatures than the policy wants", "its quorum"]);
    } else {
      names = cosigned;
    }
  }
  return { names, findings };
}

async function anySigned(keys, note) {
  for (const key of keys) {
    if (note.text.startsWith(`${key.name}\n`) && (await logSigned(note, key))) return true;
  }
  return false;
}

function judgeTimestamps(folder, manifest, report) {
  const stamped = ["manifest.json", ...manifest.logs.map(({ number }) => `data/log/${number}/checkpoint`)].filter((path) => folder.has(`${path}.tsr`));
  if (stamped.length === 0) {
    report.absent("timestamps", "There is no timestamp.");
    return;
  }
  const commands = stamped.map((path) => `openssl ts -verify -in ${path}.tsr -data ${path} -CAfile authority.pem`);
  report.cannotJudge("timestamps", `This page does not verify timestamps; openssl does (RECIPES.txt, number 10): ${commands.join("; ")}`);
}
