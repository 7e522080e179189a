// The filter of the table: the words that `seedbed runs --filter` takes. Nothing is evaluated.
//
// filter     = all ("or" all)*
// all        = one ("and" one)*
// one        = "not" one | "(" filter ")" | comparison
// comparison = name operator value | name ["not"] "in" "[" value ("," value)* "]"
// operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"

const TOKEN = new RegExp(
  "\\s*(?:([^\\s()\\[\\],=!<>~'\"`]+)|('(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\")" +
    "|`([^`]+)`|(==|!=|<=|>=|!~|=|<|>|~)|([()\\[\\],]))",
  "suy",
);
const KINDS = ["word", "quoted", "name", "operator", "mark"];
const JOINING = ["and", "or", "not", "in"];
const IS_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const CONSTANTS = new Map([
  ["true", true], ["false", false], ["null", null], ["none", null], ["nan", NaN],
  ["inf", Infinity], ["+inf", Infinity], ["-inf", -Infinity],
]);
const OTHER_NAMES = new Map([["tag", "tags"], ["started", "when"], ["time", "seconds"]]);
const DEEPEST = 50;

/** What cannot be read of a filter. */
class Mistake extends Error {}

/** The words of a filter, each with its place. */
function tokensOf(text) {
  const found = [];
  let at = 0;
  while (text.slice(at).trim()) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) {
      const place = at + text.slice(at).search(/\S/);
      throw new Mistake(`at character ${place + 1}: got '${text[place]}'`);
    }
    const group = KINDS.findIndex((_, n) => match[n + 1] !== undefined);
    const written = match[group + 1];
    const inside = () => written.slice(1, -1).replace(/\\(.)/gs, "$1");
    const word = KINDS[group] === "quoted" ? inside() : written;
    found.push({ kind: KINDS[group], text: word, at: TOKEN.lastIndex - written.length });
    at = TOKEN.lastIndex;
  }
  found.push({ kind: "end", text: "the end", at: text.length });
  return found;
}

/** Reads from the left, looking one word ahead. */
class Reader {
  constructor(text) {
    this.words = tokensOf(text);
    this.place = 0;
  }

  get next() {
    return this.words[this.place];
  }

  take() {
    const token = this.next;
    if (token.kind !== "end") this.place += 1;
    return token;
  }

  takes(word) {
    const { kind, text } = this.next;
    const isIt = (kind === "word" && text.toLowerCase() === word) || (kind === "mark" && text === word);
    if (isIt) this.place += 1;
    return isIt;
  }

  refuse(wanted) {
    return new Mistake(`at character ${this.next.at + 1}: expected ${wanted}, got ${this.next.text}`);
  }

  whole() {
    const condition = this.either(0);
    if (this.next.kind !== "end") throw this.refuse("and, or or the end");
    return condition;
  }

  either(depth) {
    const parts = [this.all(depth)];
    while (this.takes("or")) parts.push(this.all(depth));
    return { parts, every: false };
  }

  all(depth) {
    const parts = [this.one(depth)];
    while (this.takes("and")) parts.push(this.one(depth));
    return { parts, every: true };
  }

  one(depth) {
    if (depth > DEEPEST) throw new Mistake(`nested more than ${DEEPEST} levels deep`);
    if (this.takes("not")) return { inner: this.one(depth + 1) };
    if (this.takes("(")) {
      const inner = this.either(depth + 1);
      if (!this.takes(")")) throw this.refuse("and, or or )");
      return inner;
    }
    return this.comparison();
  }

  comparison() {
    const { kind, text } = this.next;
    if (!["word", "name"].includes(kind) || JOINING.includes(text.toLowerCase())) {
      throw this.refuse("the name of a column");
    }
    this.take();
    const negated = this.takes("not");
    if (this.takes("in")) {
      if (this.next.text !== "[") throw this.refuse("[ and a list of values");
      return { key: text, operator: "in", negated, ...this.value(0) };
    }
    if (negated || this.next.kind !== "operator") throw this.refuse(`=, !=, <, <=, >, >=, ~ or in`);
    const typed = this.take().text;
    const operator = typed.replace(/^!/, "").replace("==", "=");
    return { key: text, operator, negated: typed.startsWith("!"), ...this.value(0) };
  }

  value(depth) {
    const token = this.next;
    if (token.kind === "quoted") return { value: this.take().text, written: token.text };
    if (this.takes("[")) {
      if (depth > DEEPEST) throw new Mistake("a list nested too deeply");
      const items = [];
      while (!this.takes("]")) {
        if (items.length && !this.takes(",")) throw this.refuse(", or ]");
        items.push(this.value(depth + 1).value);
      }
      return { value: items, written: JSON.stringify(items) };
    }
    if (token.kind !== "word" || JOINING.includes(token.text.toLowerCase())) {
      throw this.refuse("a value; text that is no single word goes into quotes");
    }
    return { value: constantOf(this.take().text), written: token.text };
  }
}

function constantOf(word) {
  if (CONSTANTS.has(word.toLowerCase())) return CONSTANTS.get(word.toLowerCase());
  return IS_NUMBER.test(word) ? Number(word) : word;
}
