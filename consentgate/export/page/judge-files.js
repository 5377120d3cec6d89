// Level `files`: each file is the listed one, nothing else is there, and the lists that other tools read say the same.

// A path as it stands in findings: printable ASCII, so that no name of a file can pass for something else.
function shownPath(path) {
  return path.replace(/[^\x20-\x7e]/gu, "?");
}

async function judgeFiles(folder, manifest, report, progress) {
  const listed = new Set(manifest.files.map(({ path }) => path));
  for (const { path, size, sha256: expected } of manifest.files) {
    if (!folder.has(path)) {
      report.find("files", "missing", path, "nothing", `a file of ${size} bytes`);
      continue;
    }
    report.judged("files");
    const found = await folder.digest(path, progress);
    if (found !== expected) report.find("files", "altered", path, `SHA-256 ${found}`, `SHA-256 ${expected}`);
    else if (folder.size(path) !== size) report.find("files", "altered", path, `${folder.size(path)} bytes`, `${size} bytes`);
  }
  for (const path of folder.below("")) {
    if (!listed.has(path) && !UNLISTED.includes(path)) {
      report.find("files", "extra", shownPath(path), "a file that the manifest does not list", "nothing", "Do not rely on this file.");
    }
  }
  await judgeLists(folder, manifest, report);
}

// The lists follow from the manifest, so that a file that was altered shows once and not four times.
async function judgeLists(folder, manifest, report) {
  const digests = new Map(manifest.files.map(({ path, sha256: digest }) => [path, digest]));
  for (const name of ["manifest.json", "manifest.jws", "manifest-sha256.txt", "SHA256SUMS"]) {
    if (folder.has(name)) digests.set(name, await folder.digest(name));
  }
  const belongs = {
    "manifest-sha256.txt": (path) => path.startsWith("data/"),
    SHA256SUMS: (path) => path !== "SHA256SUMS" && !path.endsWith(".tsr"),
    "tagmanifest-sha256.txt": (path) => !path.startsWith("data/") && !path.endsWith(".tsr"),
  };
  for (const name of LISTS) {
    const paths = [...digests.keys()].filter(belongs[name]).sort();
    const expected = utf8(paths.map((path) => `${digests.get(path)}  ${path}\n`).join(""));
    if (!folder.has(name)) report.find("files", "missing", name, "nothing", "the list of digests");
    else if (!(await folder.is(name, expected))) report.find("files", "altered", name, "another text", "the digests of the manifest");
    else report.judged("files");
  }
}
