// What things are called on the page.

const LEVEL_WORDS = {
  files: ["Files", "Each file is the one that the manifest lists, and no other file is there."],
  manifest: ["Manifest", "The list of all files is signed by the key of this package."],
  records: ["Records", "Each record is the entry that the log has, opens with its own key, and is shown as it was written."],
  answers: ["Requests and outcomes", "Each outcome names its request, and no request has two."],
  statements: ["Signed statements", "Each consent statement carries the signature of its issuer."],
  artifacts: ["Notices and rules", "Each text and rule that a record names is there, with exactly these bytes."],
  tree: ["Proof of inclusion", "All records are in the append-only log, at their positions."],
  checkpoint: ["Checkpoint of the log", "The log signed its size and root."],
  witnesses: ["Witnesses", "Others cosigned that the log only ever grew."],
  timestamps: ["Timestamps", "A timestamping authority saw it at a certain time."],
};

const STATE_WORDS = {
  holds: "holds",
  broken: "broken",
  incomplete: "incomplete",
  cannot_judge: "not judged here",
  absent: "not in this package",
};

const FINDING_WORDS = {
  altered: "altered",
  missing: "missing",
  extra: "not listed",
  malformed: "unreadable",
  reordered: "out of order",
  unsigned: "not signed",
  open: "open",
  forged: "forged",
};

const KIND_WORDS = {
  statement: "Consent statement",
  call: "Call",
  assertion: "Assertion",
  registry: "Registry of issuers",
  packs: "Rules",
  intent: "Request allowed",
  denial: "Request denied",
  outcome: "Outcome",
  observation: "Observation",
  stop: "Stop order",
  hold: "Legal hold",
  key_destroyed: "Key destroyed",
  export: "Export",
  heartbeat: "Heartbeat",
  writer_stop: "Writer stopped",
  epoch: "New log",
};

const STATE_OF_CONSENT = {
  ConsentGiven: ["Consent given", "yes"],
  ConsentRefused: ["Consent refused", "no"],
  ConsentWithdrawn: ["Consent withdrawn", "no"],
  SameSubject: ["Two references are one person", ""],
  NotSameSubject: ["Two references are not one person", ""],
};

const METHOD_WORDS = {
  web_esign: "signed on the web",
  web_form: "by web form",
  ivr_dtmf: "by key press on the telephone",
  voice_recording: "spoken and recorded",
  paper: "on paper",
  verbal_unrecorded: "spoken, not recorded",
  import: "imported",
};

const ACTION_WORDS = {
  search: "comparison of a voice",
  enrol: "enrolment of a voice",
  update: "update of a voiceprint",
  tone_analysis: "analysis of voice tone",
};

const END_WORDS = {
  succeeded: ["succeeded", "yes"],
  rejected: ["was rejected", "no"],
  not_sent: ["was not sent", "no"],
  undetermined: ["has an unknown end", "warn"],
  unknown: ["is not known yet", "warn"],
};

const WITHHELD_WORDS = {
  destroyed: "the key was destroyed, and nobody can open it",
  matches: "names of other people, who are on no call of this matter",
  other_person: "about a person whom this package is not about",
  privilege: "claimed as privileged",
  references: "phone numbers, customer numbers or names",
  role: "not for readers of this role",
  templates: "a voiceprint or raw audio",
};

const DUTY_WORDS = {
  stop_processing: "Stop processing",
  delete_template: "Delete the voiceprint",
  delete_by: "Delete the voiceprint by",
  preserve_sealed_no_search: "Keep it sealed, and do not search it",
  refresh_by: "Renew the consent by",
  retain_proof_until: "Keep the proof until",
};

// Members whose name alone would tell something else.
const MEMBER_WORDS = new Map([["adult", "stated to be of age"]]);

function plain(word) {
  return String(word).replaceAll("_", " ");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function countOf(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

// Sentence and cure of a reason's code; the table is put in when the page is made.
function reasonWords(code) {
  const [sentence, cure] = REASON_TABLE[String(code).split(":")[0]] ?? [plain(code), ""];
  return { sentence, cure };
}

function packName(code) {
  if (code === "baseline") return "Rule of the product";
  if (code === "statement") return "Statement";
  return PACK_NAMES[code] ? `${PACK_NAMES[code]} (${code})` : String(code);
}
