// A long list of which only what is in view exists: rows of one height, placed by hand in a tall box.

const MORE_ROWS = 8; // beyond either edge

class VirtualList {
  #box;
  #make;
  #items = [];
  #shown = new Map();
  #height = 0;
  #waiting = false;
  #whole = false;

  constructor(box, make) {
    this.#box = box;
    this.#make = make;
    this.refresh = this.refresh.bind(this);
    addEventListener("scroll", this.refresh, { passive: true });
    addEventListener("resize", this.refresh);
    box.addEventListener("keydown", (event) => this.#key(event));
  }

  close() {
    removeEventListener("scroll", this.refresh);
    removeEventListener("resize", this.refresh);
  }

  set items(items) {
    this.#items = items;
    this.#whole = false;
    this.#clear();
    this.draw();
  }

  refresh() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.draw();
    });
  }

  // All rows at once, for paper.
  drawAll() {
    this.#whole = true;
    this.#clear();
    this.#box.style.height = "auto";
    this.#box.append(...this.#items.map((item, i) => this.#make(item, i, this.#items)));
  }

  draw() {
    if (this.#whole) return;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const height = parseFloat(getComputedStyle(this.#box).getPropertyValue("--row")) * rem;
    if (height !== this.#height) this.#clear();
    this.#height = height;
    this.#box.style.height = `${height * this.#items.length}px`;
    const top = -this.#box.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / height) - MORE_ROWS);
    const last = Math.min(this.#items.length, Math.ceil((top + innerHeight) / height) + MORE_ROWS);
    for (const [i, row] of this.#shown) {
      if ((i < first || i >= last) && !row.contains(document.activeElement)) {
        row.remove();
        this.#shown.delete(i);
      }
    }
    const missing = [];
    for (let i = first; i < last; i++) if (!this.#shown.has(i)) missing.push(i);
    this.#add(missing);
  }

  // In the order of the list, so that Tab and screen readers go along it.
  #add(missing) {
    let after = this.#box.firstElementChild;
    for (const i of missing) {
      const row = this.#make(this.#items[i], i, this.#items);
      row.style.transform = `translateY(${i * this.#height}px)`;
      row.setAttribute("aria-setsize", this.#items.length);
      row.setAttribute("aria-posinset", i + 1);
      row.dataset.row = i;
      this.#shown.set(i, row);
      while (after !== null && Number(after.dataset.row) < i) after = after.nextElementSibling;
      this.#box.insertBefore(row, after);
    }
  }

  #clear() {
    this.#box.replaceChildren();
    this.#shown.clear();
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const row = event.target.closest("[data-row]");
    if (row === null || !(event.key in steps)) return;
    event.preventDefault();
    const to = Math.min(this.#items.length - 1, Math.max(0, Number(row.dataset.row) + steps[event.key]));
    this.reveal(to);
    this.#shown.get(to)?.querySelector("a").focus({ preventScroll: true });
  }

  // Scrolls so far that a row is in view, below what is stuck to the top.
  reveal(i) {
    const box = this.#box.getBoundingClientRect().top + scrollY;
    const at = box + i * this.#height;
    const head = this.#box.closest("main").querySelector(".filters").offsetHeight + this.#height;
    if (at - head < scrollY) scrollTo(0, at - head);
    else if (at + 2 * this.#height > scrollY + innerHeight) scrollTo(0, at + 2 * this.#height - innerHeight);
    this.draw();
  }
}
