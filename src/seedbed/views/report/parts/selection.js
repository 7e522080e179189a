// Which runs are shown: those that the filter takes, and of these those that are brushed.

const ORDERED = ["numbers", "times"];

/** What may be compared with each other; empty for nothing. */
function kindOf(value, column) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return "true or false";
  if (typeof value === "number" || isBoxed(value)) return "numbers";
  if (Array.isArray(value)) return column && column.name === "tags" ? "tags" : "lists";
  return column && column.name === "when" ? "times" : "texts";
}

/** Whether a text is a filter, or words that are looked for in all cells. */
function isFilter(text) {
  return /[=<>~]|\bin\s*\[/i.test(text);
}

/** A function of the number of a row, and what must be said of a text that is none. */
function rowTest(text, columns) {
  const words = text.trim();
  if (!words) return () => true;
  if (!isFilter(words)) {
    const wanted = words.toLowerCase();
    return (row) => columns.some((one) => textOf(one, row).toLowerCase().includes(wanted));
  }
  return compiled(new Reader(words).whole(), columns);
}

function textOf(column, row) {
  if (column.texts) return column.texts[row];
  return String(column.values[row] ?? "");
}

function compiled(condition, columns) {
  if (condition.inner) {
    const inner = compiled(condition.inner, columns);
    return (row) => !inner(row);
  }
  if (condition.parts) {
    const tests = condition.parts.map((one) => compiled(one, columns));
    return condition.every
      ? (row) => tests.every((test) => test(row))
      : (row) => tests.some((test) => test(row));
  }
  const column = columnOf(condition.key, columns);
  const asked = ofKind(condition, column);
  return (row) => isAsAsked(column.values[row], asked, column) !== asked.negated;
}

function columnOf(key, columns) {
  const find = (name) => columns.find((one) => one.name === name);
  const found = find(key) ?? find(OTHER_NAMES.get(key)) ?? find(key.replace(/^config\./, ""));
  if (!found) throw new Mistake(`no column '${key}'; their names stand above the table`);
  return found;
}

/** The comparison with its value of a kind that the column has. */
function ofKind(asked, column) {
  const { key, operator } = asked;
  const kinds = new Set(column.values.map((one) => kindOf(one, column)).filter(Boolean));
  if (column.name === "tags") {
    if (!["=", "in", "~"].includes(operator)) throw new Mistake("tags are words; = asks for one");
    return asked;
  }
  if (kinds.has("times")) {
    if (!["<", "<=", ">", ">="].includes(operator)) {
      throw new Mistake(`'${key}' is a time; <, <=, > and >= compare it`);
    }
    const moment = Date.parse(String(asked.written).trim().replace(/^(\d{4}-\d\d-\d\d)$/, "$1T00:00"));
    if (Number.isNaN(moment)) throw new Mistake(`'${key}' is a time, such as 2026-11-26`);
    return { ...asked, value: moment };
  }
  for (const value of operator === "in" ? asked.value : [asked.value]) {
    refuseKind(asked, value, kinds);
  }
  return asked;
}

function refuseKind({ key, operator }, value, kinds) {
  const kind = kindOf(value);
  const has = [...kinds].sort().join(" and ");
  if (operator === "~") {
    if (kinds.size && !kinds.has("texts") && !kinds.has("lists")) {
      throw new Mistake(`~ looks into text, '${key}' has ${has}`);
    }
  } else if (operator === "=" || operator === "in") {
    if (kind && kinds.size && !kinds.has(kind)) throw new Mistake(`'${key}' has ${has}`);
  } else if (!ORDERED.includes(kind)) {
    throw new Mistake(`${operator} compares numbers and times`);
  } else if (kinds.size && !kinds.has(kind)) {
    throw new Mistake(`'${key}' has ${has}`);
  }
}

/** Whether a value is as asked, without the `not`. */
function isAsAsked(held, asked, column) {
  const { operator, value, written } = asked;
  if (column.name === "tags") return hasTag(held ?? [], asked);
  if (operator === "~") {
    if (Array.isArray(held)) return held.some((one) => isEqual(one, value));
    return typeof held === "string" && held.includes(written);
  }
  if (operator === "in") return value.some((one) => isEqual(held, one));
  if (operator === "=") return isEqual(held, value);
  const kind = kindOf(held, column);
  if (kind === "times") return isOrdered(operator, Date.parse(held), value);
  return kind === kindOf(value) && isOrdered(operator, numberOf(held), value);
}

function hasTag(tags, { operator, value, written }) {
  if (operator === "in") return value.some((one) => tags.includes(String(one)));
  if (operator === "~") return tags.some((one) => one.includes(written));
  return value === null ? tags.length === 0 : tags.includes(written);
}

function isEqual(held, value) {
  if (Array.isArray(held) && Array.isArray(value)) {
    return held.length === value.length && held.every((one, at) => isEqual(one, value[at]));
  }
  if (kindOf(held) !== kindOf(value)) return false;
  if (kindOf(value) !== "numbers") return (held ?? null) === (value ?? null);
  return Object.is(numberOf(held), value) || numberOf(held) === value;
}

function isOrdered(operator, held, value) {
  if (operator === "<") return held < value;
  if (operator === "<=") return held <= value;
  return operator === ">" ? held > value : held >= value;
}

/** A part of an axis: the names in it, or its ends. */
function rangeText(axis, [low, high]) {
  const inside = axis.ticks.filter(([place]) => low <= place && place <= high);
  const texts = inside.map(([, text]) => text).filter(Boolean);
  const isEach = axis.names || axis.ticks.every(([, text]) => text);
  if (isEach) return texts.join(", ") || "between two values";
  const valueOf = (place) => digits(axis.logarithmic ? 10 ** place : place, 3);
  if (!axis.without || low > axis.ticks[0][0]) return `${valueOf(low)} to ${valueOf(high)}`;
  return high < axis.ticks[1][0] ? "none" : `none or up to ${valueOf(high)}`;
}

/** The runs that are shown, and those who want to know when that changes. */
class Selection {
  constructor(report) {
    this.report = report;
    this.test = () => true;
    this.brushes = new Map();
    this.heard = [];
  }

  /** Numbers of the rows that the filter takes. */
  get filtered() {
    return this.report.runs.map((_, row) => row).filter(this.test);
  }

  /** Numbers of the rows that are shown. */
  get rows() {
    return this.filtered.filter((row) => this.isBrushed(row));
  }

  isBrushed(row) {
    return [...this.brushes].every(([axis, ranges]) => {
      const place = this.report.axes[axis].places[row];
      return ranges.some(([low, high]) => low <= place && place <= high);
    });
  }

  /** What is brushed, in words. */
  get brushed() {
    return [...this.brushes].map(([number, ranges]) => {
      const axis = this.report.axes[number];
      return `${axis.label} ${ranges.map((range) => rangeText(axis, range)).join(" or ")}`;
    });
  }

  /** Takes a filter as it was typed; raises `Mistake`, and shows all runs then. */
  filter(text) {
    this.test = () => true;
    try {
      this.test = rowTest(text, this.report.columns);
    } finally {
      this.tell("filter");
    }
  }

  /** Takes what is brushed, by the number of the axis. */
  brush(brushes) {
    this.brushes = brushes;
    this.tell("brush");
  }

  /** Calls with the reason whenever other runs are shown. */
  onChange(hears) {
    this.heard.push(hears);
  }

  tell(reason) {
    for (const hears of this.heard) hears(reason);
  }
}
