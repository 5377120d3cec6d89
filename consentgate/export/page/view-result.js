// The verification: how far one may believe this package, what was found, and what could not be judged.

function startView() {
  const picker = el("input", { type: "file", id: "folder", webkitdirectory: true, class: "sr", tabindex: "-1", "aria-hidden": "true",
    onchange: () => picker.files.length > 0 && take(Folder.ofPicked(picker.files)) });
  const secure = globalThis.crypto?.subtle !== undefined;
  return {
    title: "Verify an evidence package",
    elements: [
      el("div", { class: "start" },
        el("h1", {}, "See what happened, and check that nothing was changed."),
        el("p", { class: "lead" }, "This page reads the folder that it came in. Your own computer verifies every file, signature and proof in it. Nothing leaves this computer."),
        secure ? el("div", { class: "drop", id: "drop" },
          el("button", { type: "button", onclick: () => picker.click() }, "Choose the folder"), picker,
          el("p", { class: "soft" }, "or drag it here. Your browser may speak of uploading: it only means that this page may read the folder."))
          : el("p", { class: "problem", role: "alert" }, "This browser gives pages no cryptography here. Open verify.html from your own disk, in a current browser."),
        el("p", { id: "trouble", role: "alert", class: "problem" }),
        el("dl", { class: "hints" },
          el("div", {}, el("dt", {}, "Choose the whole folder"), el("dd", {}, "The one that holds this page and manifest.json.")),
          el("div", {}, el("dt", {}, "Have the cover letter at hand"), el("dd", {}, "It holds the fingerprint of the key: no package can vouch for itself.")),
          el("div", {}, el("dt", {}, "Trust neither page nor folder"), el("dd", {}, "RECIPES.txt says how to check the same with openssl and sha256sum.")))),
    ],
  };
}

function resultView() {
  const { result, given } = app;
  const { report, manifest } = result;
  const ladder = el("div", { class: "ladder-place", role: "status" });
  function draw() {
    ladder.replaceChildren(...conclusion(report, given));
  }
  draw();
  const { findings } = report;
  const problems = findings.filter(({ kind }) => kind !== "open");
  const open = findings.filter(({ kind }) => kind === "open");
  return {
    title: "Verification",
    elements: [
      ladder,
      report.signer !== null && askReader(result, given, draw),
      problems.length > 0 && el("section", {}, el("h2", {}, capital(countFound(report, problems, "finding"))), el("p", { class: "soft" }, ASK_AGAIN), findingList(problems)),
      open.length > 0 && el("section", {}, el("h2", {}, capital(`${countFound(report, open, "request")} without an outcome`)), findingList(open)),
      el("section", {}, el("h2", {}, "What was checked"), levelList(report)),
      el("section", {}, el("h2", {}, "What could not be judged"), unjudgedList()),
      manifest && el("section", {}, el("h2", {}, "About this package"), aboutPackage(manifest)),
    ],
  };
}

function matter() {
  const { manifest, folder } = app.result;
  return typeof manifest?.matter === "string" ? manifest.matter : folder.name;
}

// The rungs, from what the package says of itself up to what others say. Never a bare "valid".
function conclusion(report, given) {
  const word = report.conclude(given);
  const wrongKey = given.fingerprint && given.fingerprint !== report.signer;
  const names = given.witnesses?.names ?? [];
  const rungs = [
    report.broken ? ["broken", "Not as it was made: see the findings."] : ["holds", "Consistent with itself."],
    report.signer === null ? ["broken", "No key that can be read."]
      : report.state("manifest") === "broken" ? ["broken", "The signature does not hold."]
      : ["holds", ["Signed by key ", el("code", { class: "key" }, report.signer)]],
    wrongKey ? ["broken", "This is not the key that you gave. If you typed it, compare it with the letter once more."] : given.fingerprint ? ["holds", "You confirmed this key."]
      : ["cannot_judge", "Nobody confirmed this key to you yet."],
    given.witnesses?.findings.length > 0 ? ["broken", "Your witnesses do not vouch for the log."]
      : names.length > 0 ? ["holds", ["The log is witnessed by ", told(names.join(", ")), "."]] : ["cannot_judge", "No witness whom you know vouches for the log."],
  ];
  const titles = {
    broken: "Do not rely on this package.",
    consistent: "Consistent; signer not confirmed.",
    confirmed: "Consistent, and signed by the key that you confirmed.",
    witnessed: "Consistent, signed by the key that you confirmed, and witnessed.",
  };
  return [
    el("p", { class: "over" }, told(matter())),
    el("h1", { class: `verdict ${word}` }, titles[word]),
    el("ol", { class: "ladder" }, rungs.map(([state, words]) => el("li", { class: state }, mark(state), el("span", {}, words)))),
  ];
}

const FINGERPRINT_LETTERS = 43; // SHA-256 in base64url (RFC 7638)

// What a field for a fingerprint holds: `judged` is what can be compared with a key, or "".
function readFingerprint(value, finished) {
  const letters = [...value.replace(/\s/g, "")];
  const wrong = letters.find((letter) => !/[A-Za-z0-9_-]/.test(letter));
  const told = `${letters.length} of ${FINGERPRINT_LETTERS} characters`;
  if (wrong !== undefined) return { judged: "", invalid: true, hint: `A fingerprint has letters, digits, "-" and "_" only, and no ${apart(wrong)}.` };
  if (letters.length > FINGERPRINT_LETTERS) return { judged: "", invalid: true, hint: `Too long: ${told}.` };
  if (letters.length === FINGERPRINT_LETTERS) return { judged: letters.join(""), invalid: false, hint: "" };
  const short = letters.length > 0;
  return { judged: "", invalid: short && finished, hint: short ? `${told}${finished ? ": nothing was compared yet" : ""}.` : "" };
}

// A part of a fingerprint says nothing of the package, so the conclusion is drawn anew only where the whole is another.
function askFingerprint(given, changed) {
  const hint = el("p", { class: "hint", id: "fingerprint-hint" });
  const input = el("input", { id: "fingerprint", autocomplete: "off", autocapitalize: "off", spellcheck: "false", value: given.typed,
    "aria-describedby": "fingerprint-hint", oninput: () => read(false), onchange: () => read(true) });
  function read(finished) {
    const { judged, invalid, hint: words } = readFingerprint(input.value, finished);
    given.typed = input.value;
    hint.textContent = words;
    hint.classList.toggle("problem", invalid);
    if (invalid) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    if (judged === given.fingerprint) return;
    given.fingerprint = judged;
    changed();
  }
  read(true);
  return [el("label", { for: "fingerprint" }, "The fingerprint in the cover letter"), input, hint];
}

function askReader({ manifest, notes }, given, changed) {
  const trouble = el("p", { class: "problem", role: "alert" });
  const policy = el("input", { type: "file", id: "policy", async onchange() {
    trouble.textContent = "";
    given.witnesses = null;
    try {
      if (policy.files.length > 0) {
        const own = readPolicy(new Uint8Array(await policy.files[0].arrayBuffer()));
        given.witnesses = await askWitnesses(own, manifest, notes);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      trouble.textContent = `This file is no policy of witnesses: ${error.found}.`;
    }
    changed();
  } });
  return el("form", { class: "ask", onsubmit: (event) => event.preventDefault() },
    askFingerprint(given, changed),
    el("p", { class: "soft" }, "Type or paste it from the letter, which must have come to you on another way than this folder. A package that somebody made anew agrees with itself too."),
    el("details", {}, el("summary", {}, "You know witnesses of this log?"),
      el("label", { for: "policy" }, "Your own file with their keys (a witness policy)"), policy, trouble));
}

// Of a level no more than so many findings are kept.
function countFound(report, findings, one) {
  const least = report.isCut(findings) ? "at least " : "";
  return least + countOf(findings.length, one);
}

function findingList(findings) {
  const list = el("ul", { class: "findings" });
  return [list, growing(list, findings, ({ level, kind, where, expected, found, cure }) => el("li", { class: kind },
    el("p", {}, el("strong", {}, FINDING_WORDS[kind]), " ", place(where), el("span", { class: "soft" }, ` \u00b7 ${LEVEL_WORDS[level][0]}`)),
    el("p", {}, found && ["Found ", told(found), ". "], expected && ["Expected ", told(expected), ". "], cure !== ASK_AGAIN && cure)))];
}

// Where a finding is; a record that can be shown is one click away.
function place(where) {
  let at = where.length;
  while (at > 0 && !app.byPlace.has(where.slice(0, at))) at = where.lastIndexOf(" ", at - 1);
  const words = el("code", {}, told(where));
  return at > 0 ? link(`#/record/${encodeURIComponent(app.byPlace.get(where.slice(0, at)).bates)}`, words) : words;
}

function levelList(report) {
  return el("ul", { class: "levels" }, LEVELS.map((level) => {
    const state = report.state(level);
    const { judged, unjudged, absent, findings } = report.levels.get(level);
    const [name, sentence] = LEVEL_WORDS[level];
    const more = state === "cannot_judge" ? unjudged : state === "absent" ? absent : findings.length > 0 ? countFound(report, findings, "finding") : sentence;
    const count = judged > 0 && state === "holds" ? judged.toLocaleString("en") : "";
    return el("li", {}, mark(state), el("span", {}, el("strong", {}, name), el("span", { class: "soft" }, ` ${more}`)),
      el("span", { class: "number soft" }, count && el("span", { class: "sr" }, "checked: "), count), el("span", { class: `state ${state}` }, STATE_WORDS[state]));
  }));
}

function unjudgedList() {
  const { report, manifest, withheld, folder } = app.result;
  const reasons = new Map();
  for (const { reason } of withheld) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const named = manifest?.time_zone;
  const lines = [
    "Whether the ledger was told the truth: a package shows what was written down, when, and that it was not changed since.",
    ...LEVELS.map((level) => report.levels.get(level).unjudged).filter(Boolean),
    ...[...reasons].map(([reason, count]) => `${countOf(count, "part")} withheld: ${WITHHELD_WORDS[reason]}.`),
  ];
  if (typeof named === "string" && !knowsZone(named)) lines.push(`What the clocks showed in ${apart(named)}: this browser does not know that time zone, so all times here are UTC.`);
  if (folder.ignored.length > 0) lines.push(`${countOf(folder.ignored.length, "file")} that computers leave in folders which are looked at (${folder.ignored.slice(0, 3).map(shownPath).join(", ")}${folder.ignored.length > 3 ? ", ..." : ""}): not of the package, and not looked at.`);
  if (manifest?.counts.not_covered > 0) lines.push(`${countOf(manifest.counts.not_covered, "entry", "entries")} that no checkpoint covered yet: not in this package.`);
  return el("ul", { class: "plain" }, lines.map((line) => el("li", {}, told(line))));
}

// Of these only what verification uses has to have its form: anything else is shown as far as it is text.
function aboutPackage(manifest) {
  const { bates, counts, scope, controller } = manifest;
  const asked = Array.isArray(scope) ? scope.filter(isObject).map(({ name, value }) => `${plain(name)}: ${value}`).join("; ") : "";
  const text = (value) => typeof value === "string" && value !== "" && told(value);
  const number = (count) => count.toLocaleString("en");
  return facts([
    ["Matter", text(manifest.matter)],
    ["Purpose", text(manifest.purpose)],
    ["For", text(manifest.recipient)],
    ["Asked for by", text(manifest.requested_by)],
    ["Made by", text(controller?.name)],
    ["Made", moment(manifest.at, zone())],
    ["Selected", text(asked)],
    ["For readers as", text(plain(manifest.role ?? ""))],
    ["Bates numbers", bates.last < bates.first ? "none" : el("span", { class: "bates" }, told(`${batesOf(manifest, bates.first)} to ${batesOf(manifest, bates.last)}`))],
    ["Records", `${number(counts.selected)} selected = ${number(counts.exported)} here + ${number(counts.withheld_entries)} withheld`],
    ["Sealed parts", `${number(counts.parts)} = ${number(counts.parts_open)} open + ${number(counts.parts_withheld)} withheld`],
    ["Log", manifest.logs.map((log) => el("div", {}, told(`${log.origin}, ${number(log.size)} entries`)))],
    ["Export", el("code", {}, told(manifest.export))],
  ].map(([name, value]) => [name, value || null]));
}
