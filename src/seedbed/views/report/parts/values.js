// Values of runs: numbers that JSON cannot carry, texts of numbers, and elements that show them.

const NOTHING = "-";

/** A number of a cell; NaN where it is none. */
function numberOf(cell) {
  if (typeof cell === "number") return cell;
  return isBoxed(cell) ? Number(cell.number) : NaN;
}

/** Whether it is a number that JSON has no form for. */
function isBoxed(cell) {
  return typeof cell === "object" && cell !== null && "number" in cell;
}

/** Whether there is no value, or one that is not defined. */
function isNothing(cell) {
  if (cell === null || cell === undefined) return true;
  if (Array.isArray(cell)) return cell.length === 0;
  return isBoxed(cell) && cell.number === "NaN";
}

/** All of a value, where its text may be a part of it. */
function wholeText(cell) {
  if (cell === null || cell === undefined) return "";
  if (isBoxed(cell)) return cell.number;
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}

/** A number in so many digits, in the form that the command line gives it. */
function digits(value, count) {
  const number = numberOf(value);
  if (!Number.isFinite(number)) return value === null ? NOTHING : wholeText(value);
  if (number === 0) return "0";
  const [mantissa, power] = number.toExponential(count - 1).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= count) {
    const sign = exponent < 0 ? "-" : "+";
    return `${withoutZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return withoutZeros(number.toFixed(Math.max(0, count - 1 - exponent)));
}

function withoutZeros(text) {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/** What stands in an object under a name, which may be `constructor`. */
function ownOf(object, name) {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** `1 run`, `2 runs`. */
function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function byId(id) {
  return document.getElementById(id);
}

/** An element with a text, which is never read as HTML. */
function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** An element with others in it. */
function holding(name, ...inner) {
  const made = document.createElement(name);
  made.append(...inner);
  return made;
}

/** A text that the plotting library shows as it is: it reads some HTML in labels. */
function literal(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** The text, or its beginning and its end: long names differ in either. */
function cut(text, longest) {
  const letters = Array.from(String(text));
  if (letters.length <= longest) return String(text);
  const front = Math.ceil((longest - 1) / 2);
  const end = letters.slice(letters.length - (longest - 1 - front));
  return `${letters.slice(0, front).join("")}…${end.join("")}`;
}
