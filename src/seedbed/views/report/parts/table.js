// The table of runs: sorted by the buttons in its head, and showing what is selected.

const ROWS_SHOWN = 200;

/** Order of values of several kinds: numbers, texts, lists; those that are none are not asked. */
function compareCells(first, second) {
  const ranks = [first, second].map((one) => {
    if (typeof one === "boolean") return 0;
    if (typeof one === "number" || isBoxed(one)) return 1;
    return typeof one === "string" ? 2 : 3;
  });
  if (ranks[0] !== ranks[1]) return ranks[0] - ranks[1];
  const [a, b] = ranks[0] === 1 ? [numberOf(first), numberOf(second)]
    : ranks[0] === 3 ? [JSON.stringify(first), JSON.stringify(second)] : [first, second];
  return a < b ? -1 : Number(a > b);
}

class Table {
  constructor(report, selection) {
    this.report = report;
    this.selection = selection;
    this.columns = report.columns.filter((one) => !one.hidden);
    this.order = { column: null, down: false };
    this.limit = ROWS_SHOWN;
    this.open = new Set();
    this.firstMetric = this.columns.find((one) => one.role === "metric");
    this.head();
    byId("more").onclick = () => {
      this.limit = Infinity;
      this.show();
    };
    selection.onChange(() => this.show());
    this.show();
  }

  head() {
    const row = document.createElement("tr");
    if (this.report.told.ranked) row.append(element("th", "rank", "number"));
    this.columns.forEach((column, number) => {
      const button = element("button", column.name);
      button.title = column.name;
      button.type = "button";
      button.onclick = () => this.sortBy(number);
      const cell = holding("th", button);
      cell.scope = "col";
      cell.className = this.kind(column);
      row.append(cell);
    });
    this.body = document.createElement("tbody");
    byId("table").append(holding("thead", row), this.body);
    this.heads = [...row.cells].slice(-this.columns.length);
  }

  kind(column) {
    const isNumber = column.values.every((one) => one === null || !Number.isNaN(numberOf(one)) || isNothing(one));
    const first = column === this.firstMetric && this.report.told.metric === column.name;
    return `${isNumber ? "number" : ""}${first ? " metric-first" : ""}`;
  }

  /** Upwards first; downwards the second time. */
  sortBy(number) {
    const same = this.order.column === number;
    this.order = { column: number, down: same && !this.order.down };
    this.heads.forEach((cell, at) => {
      if (at !== number) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", this.order.down ? "descending" : "ascending");
      const arrow = at === number ? (this.order.down ? " ▼" : " ▲") : "";
      cell.firstChild.textContent = `${this.columns[at].name}${arrow}`;
    });
    this.show();
  }

  /** The rows in order: those without a value are last, whichever way. */
  sorted(rows) {
    if (this.order.column === null) return rows;
    const { values } = this.columns[this.order.column];
    const having = rows.filter((row) => !isNothing(values[row]));
    const without = rows.filter((row) => isNothing(values[row]));
    const way = this.order.down ? -1 : 1;
    having.sort((a, b) => way * compareCells(values[a], values[b]) || a - b);
    return [...having, ...without];
  }

  show() {
    const rows = this.sorted(this.selection.rows);
    const shown = rows.slice(0, this.limit);
    this.body.replaceChildren(...shown.flatMap((row) => this.rowsOf(row)));
    byId("more").hidden = shown.length === rows.length;
    byId("more").textContent = `Show ${rows.length - shown.length} more runs`;
    byId("table-says").textContent = [this.orderText(rows), "A name opens what is behind it."].join(" ");
    byId("count").textContent = `${rows.length} of ${counted(this.report.runs.length, "run")}`;
  }

  orderText(rows) {
    const { told, runs } = this.report;
    if (runs.length === 1) return "";
    if (this.order.column === null) {
      if (told.order === "found") return "The newest first.";
      if (told.order === "setting") {
        return "The runs of the best setting first; each seed has validation rows of its own, which rank no runs.";
      }
      const proof = told.sentences.length ? "; one run is no proof, the verdict is over all seeds" : "";
      return `The best ${told.metric} first${proof}.`;
    }
    const { name, values } = this.columns[this.order.column];
    const without = rows.filter((row) => isNothing(values[row])).length;
    const last = without ? `; ${counted(without, "run")} without it are last` : "";
    return `By ${name}, ${this.order.down ? "the largest" : "the smallest"} first${last}.`;
  }

  rowsOf(row) {
    const made = document.createElement("tr");
    const { ranked } = this.report.told;
    if (ranked) made.append(element("td", row < ranked ? row + 1 : NOTHING, "number"));
    this.columns.forEach((column, at) => made.append(this.cell(column, row, this.heads[at].className)));
    return this.open.has(row) ? [made, this.behind(row)] : [made];
  }

  cell(column, row, kind) {
    const text = textOf(column, row);
    if (column.role === "name") {
      const button = element("button", text);
      button.type = "button";
      button.setAttribute("aria-expanded", String(this.open.has(row)));
      button.onclick = () => {
        if (!this.open.delete(row)) this.open.add(row);
        this.show();
      };
      const made = holding("td", button);
      made.className = "name";
      made.title = text;
      return made;
    }
    const made = element("td", text, `${kind} ${text.length > 40 ? "long" : ""}`);
    made.title = wholeText(column.values[row]);
    return made;
  }

  behind(row) {
    const run = this.report.runs[row];
    const list = document.createElement("dl");
    const add = (name, text, kind) => text && list.append(element("dt", name), element("dd", text, kind));
    add("again", reproduceCommand(run), "typed");
    add("folder", run.path);
    add("status", run.status);
    add("why", run.problem);
    add("tags", run.tags.join(" "));
    add("note", run.note);
    const cell = holding("td", list);
    cell.className = "behind";
    cell.colSpan = this.columns.length + 1;
    return holding("tr", cell);
  }
}
