// The whole verification, in order; what the page shows afterwards is gathered on the way.

async function verifyPackage(folder, progress = () => {}) {
  const report = new Report();
  const manifest = await judgeManifest(folder, report);
  if (manifest === null) {
    for (const level of LEVELS.slice(0, -2)) {
      if (level !== "manifest") report.cannotJudge(level, "Without a readable manifest.json there is nothing to compare with.");
    }
    for (const level of LEVELS.slice(-2)) report.absent(level, "Without a readable manifest.json nobody knows.");
    return { folder, report, manifest, records: [], withheld: [], notes: new Map() };
  }
  folder.leaveOut(new Set(manifest.files.map(({ path }) => path)));
  const total = [...folder.files.values()].reduce((sum, { size }) => sum + size, 0) + (folder.files.get(ENTRIES)?.size ?? 0);
  let done = 0;
  function told(bytes) {
    done += bytes;
    progress(Math.min(1, done / total));
  }
  await judgeFiles(folder, manifest, report, told);
  const artifacts = new Artifacts(folder, report);
  await artifacts.hash();
  const statements = new Statements(folder, report, await issuersOf(folder, manifest, artifacts));
  const records = new Records(folder, manifest, report);
  await records.judge(async (record) => {
    const statement = (await statements.take(record)) ?? statements.shown(record);
    await artifacts.take(record.contents);
    return indexed(record, statement);
  }, told);
  if (!records.whole) report.cannotJudge("artifacts", "Records are missing or unreadable: they may name more than is there.");
  withCalls(records.all);
  judgeAnswers(report, records.all, manifest, records.whole);
  statements.finish(manifest, records);
  await judgeTrees(folder, manifest, report, records);
  const notes = await judgeCheckpoints(folder, manifest, report);
  await judgeWitnesses(folder, manifest, report, notes);
  judgeTimestamps(folder, manifest, report);
  return { folder, report, manifest, records: records.all, withheld: records.withheld, notes };
}
