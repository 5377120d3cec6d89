// The package as the browser hands it over: files by their path inside of the folder, read in pieces.

const WHOLE_AT_ONCE = 2 ** 24;
const SMALL = 2 ** 22;
// What Finder, Explorer and copies between their file systems leave in folders: a closed list, as it is spelt.
const LEFT = /^(?:.*\/)?(?:\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)$/s;

class Folder {
  constructor(name, files) {
    this.name = name;
    this.files = files;
    this.digests = new Map();
    this.ignored = [];
  }

  // Nothing judges these any more, unless the manifest lists them.
  leaveOut(listed) {
    this.ignored = this.below("").filter((path) => LEFT.test(path) && !listed.has(path));
    for (const path of this.ignored) this.files.delete(path);
  }

  // Out of a folder picker: each file carries its path, beginning with the folder's name.
  static ofPicked(list) {
    const picked = Array.from(list, (file) => [file.webkitRelativePath || file.name, file]);
    const name = picked.length > 0 ? picked[0][0].split("/")[0] : "";
    return new Folder(name, new Map(picked.map(([path, file]) => [path.slice(path.indexOf("/") + 1), file])));
  }

  // Out of what was dropped: one folder, or null. Both ways are asked before anything is awaited. Chromium reads no files
  // through entries in a page that was opened from the disk; Firefox and Safari give no handles.
  static async ofDropped({ items }) {
    const dropped = Array.from(items).filter(({ kind }) => kind === "file");
    if (dropped.length !== 1) return null;
    const entry = dropped[0].webkitGetAsEntry();
    const handle = (await dropped[0].getAsFileSystemHandle?.()) ?? null;
    const files = new Map();
    if (handle?.kind === "directory") await collectHandles(handle, "", files);
    else if (handle === null && entry?.isDirectory) await collectEntries(entry, "", files);
    else return null;
    return new Folder(entry?.name ?? handle.name, files);
  }

  has(path) {
    return this.files.has(path);
  }

  below(prefix) {
    return [...this.files.keys()].filter((path) => path.startsWith(prefix)).sort();
  }

  size(path) {
    return this.files.get(path).size;
  }

  async bytes(path, limit = SMALL) {
    if (this.size(path) > limit) throw malformed(`a file of more than ${limit} bytes`);
    return new Uint8Array(await this.files.get(path).arrayBuffer());
  }

  async is(path, expected) {
    return this.size(path) === expected.length && same(await this.bytes(path, expected.length), expected);
  }

  // SHA-256 in hexadecimal; each file is read once for it.
  async digest(path, progress = () => {}) {
    if (!this.digests.has(path)) this.digests.set(path, hex(await this.hash(this.files.get(path), progress)));
    return this.digests.get(path);
  }

  async hash(file, progress) {
    if (file.size <= WHOLE_AT_ONCE) {
      const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
      progress(file.size);
      return new Uint8Array(hash);
    }
    const hash = new Sha256();
    const reader = file.stream().getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      hash.update(value);
      progress(value.length);
    }
    return hash.digest();
  }

  // The lines of a file, in lists of those that arrived together: {bytes, start, end, whole}.
  async *lines(path) {
    const reader = this.files.get(path).stream().getReader();
    let rest = new Uint8Array(0);
    let at = 0;
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      const chunk = rest.length > 0 ? joined(rest, value) : value;
      const lines = [];
      let from = 0;
      for (let to = chunk.indexOf(10, rest.length); to >= 0; to = chunk.indexOf(10, from)) {
        lines.push({ bytes: chunk.subarray(from, to), start: at + from, end: at + to, whole: true });
        from = to + 1;
      }
      if (lines.length > 0) yield lines;
      rest = chunk.slice(from);
      at += from;
    }
    if (rest.length > 0) yield [{ bytes: rest, start: at, end: at + rest.length, whole: false }];
  }

  async line(path, [start, end]) {
    return textOf(new Uint8Array(await this.files.get(path).slice(start, end).arrayBuffer()));
  }
}

async function collectHandles(directory, before, files) {
  for await (const [name, handle] of directory.entries()) {
    if (handle.kind === "directory") await collectHandles(handle, `${before}${name}/`, files);
    else files.set(before + name, await handle.getFile());
  }
}

async function collectEntries(directory, before, files) {
  const reader = directory.createReader();
  for (;;) {
    // A reader gives up to a hundred at a time, and nothing at the end.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const entry of some) {
      if (entry.isDirectory) await collectEntries(entry, `${before}${entry.name}/`, files);
      else files.set(before + entry.name, await new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
  }
}
