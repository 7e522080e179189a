// What the page says before anything is chosen: the verdict, what mattered, settings, config.

const SETTINGS_SHOWN = 15;

function showHead(report) {
  document.title = `${report.title} · runs`;
  byId("title").textContent = report.title;
  byId("summary").textContent = report.summary;
  byId("made-by").textContent = `Made by Seedbed ${report.version}, ${report.made}.`;
}

function showVerdict({ told, notes }) {
  const badge = byId("badge");
  badge.textContent = told.verdict ?? "no verdict";
  badge.classList.toggle("better", told.better);
  const said = told.sentences.length ? told.sentences : [told.reason];
  byId("sentences").append(...said.map((text) => element("p", text)));
  byId("notes").append(...notes.map((text) => element("li", text)));
}

function showImportance({ told }) {
  const bars = told.importance;
  if (!bars) return;
  byId("importance").hidden = false;
  const whole = bars.method === "PED-ANOVA" ? "what sets the best tenth of the runs apart" : "the variance";
  const more = bars.more ? `; ${bars.more} smaller ones are left out` : "";
  byId("importance-says").textContent = `Shares of ${whole} of ${told.metric} (${bars.method})${more}.`;
  const most = Math.max(...bars.shares, 0.01);
  bars.names.forEach((name, at) => {
    const isNoise = bars.has_noise && at === bars.names.length - 1;
    const bar = element("div", "", isNoise ? "bar noise" : "bar");
    bar.style.width = `${(100 * bars.shares[at]) / most}%`;
    const share = element("td", `${(100 * bars.shares[at]).toFixed(1)} %`, "number");
    byId("bars").append(holding("tr", element("td", name), holding("td", bar), share));
  });
}

function showSettings({ told }) {
  if (!told.settings.length) return;
  byId("settings").hidden = false;
  byId("over").textContent = told.over.join(", ");
  const way = told.higher ? "higher" : "lower";
  byId("settings-says").textContent =
    `${counted(told.settings.length, "setting")} by the mean of ${told.metric} (${way} is better), ` +
    "with the standard deviation of the sample and the 95 % interval of the mean (bootstrap, BCa).";
  const table = byId("settings-table");
  const lost = told.settings.some((row) => row.without_value);
  const heads = ["rank", ...told.keys, "n", ...(lost ? ["without value"] : []), "mean", "± std"];
  heads.push("95 % interval", "", ...(told.settings.length > 2 ? ["p (Holm)"] : []));
  const head = document.createElement("tr");
  heads.forEach((text, at) => {
    const isText = at > 0 && at <= told.keys.length;
    head.append(element("th", text, isText ? "" : "number"));
  });
  const scale = scaleOf(told.settings);
  const rows = told.settings.map((row, at) => settingRow(row, at, told, lost, scale));
  table.append(holding("thead", head), holding("tbody", ...rows.slice(0, SETTINGS_SHOWN)));
  showRest(byId("settings-all"), table.tBodies[0], rows.slice(SETTINGS_SHOWN), "settings");
}

/** A button that shows the rows that are left. */
function showRest(button, body, rest, noun) {
  button.hidden = rest.length === 0;
  button.textContent = `Show ${rest.length} more ${noun}`;
  button.onclick = () => {
    body.append(...rest);
    button.hidden = true;
  };
}

function settingRow(row, at, told, lost, scale) {
  const keys = told.keys.map((key) => element("td", settingText(row[key])));
  const interval = row.low === null ? NOTHING : `${digits(row.low, 4)} to ${digits(row.high, 4)}`;
  const numbers = [digits(row.mean, 5), digits(row.std, 3), interval];
  const cells = [row.n, ...(lost ? [row.without_value] : []), ...numbers];
  const rank = row.mean === null ? NOTHING : at + 1;
  const made = holding("tr", element("td", rank, "number"), ...keys);
  made.append(...cells.map((text) => element("td", text, "number")));
  made.append(holding("td", whisker(row, scale)));
  if (told.settings.length > 2) made.append(element("td", digits(row.p_holm, 2), "number"));
  return made;
}

function settingText(value) {
  if (value === null || value === undefined) return NOTHING;
  return typeof value === "number" ? digits(value, 5) : wholeText(value);
}

/** From where to where the intervals lie; without the worst, which would crush the others. */
function scaleOf(settings) {
  const having = settings.filter((row) => Number.isFinite(row.mean));
  const some = having.slice(0, Math.max(SETTINGS_SHOWN, 2));
  const ends = some.flatMap((row) => [row.mean, row.low ?? row.mean, row.high ?? row.mean]);
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** A dot at the mean and a line from end to end of its interval. */
function whisker(row, { low, high }) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("class", "whisker");
  picture.setAttribute("viewBox", "0 0 200 18");
  picture.setAttribute("aria-hidden", "true");
  const at = (value) => (high > low ? 6 + (188 * (value - low)) / (high - low) : 100);
  if (!Number.isFinite(row.mean) || at(row.mean) > 200) return picture;
  const make = (name, attributes) => {
    const one = document.createElementNS(space, name);
    Object.entries(attributes).forEach(([key, value]) => one.setAttribute(key, value));
    picture.append(one);
  };
  if (row.low !== null) make("line", { x1: at(row.low), x2: Math.min(at(row.high), 200), y1: 9, y2: 9 });
  make("circle", { cx: at(row.mean), cy: 9, r: 4.5 });
  return picture;
}

function showConfig({ config, runs }) {
  const hidden = config.hidden.length
    ? ` Keys that differ too, but follow from others or change no number of a run: ${config.hidden.join(", ")}.`
    : "";
  const problem = config.problem ? ` It cannot be shown: ${config.problem}.` : "";
  byId("config-says").textContent = `What sets the runs apart is in the columns of the table.${hidden}${problem}`;
  byId("yaml").textContent = config.yaml;
  if (runs.length > 1) return;
  byId("config").querySelector("h2").textContent = "Config";
  byId("config-says").hidden = !problem;
}

function showEnvironment({ environment, runs }) {
  const { shared, differing, without } = environment;
  const told = runs.length - without;
  const of = `the ${counted(told, "run")} that tell of it`;
  const said = differing.length ? `These differ between ${of}.` : `The same in all of ${of}.`;
  const lacking = without ? ` The other ${without} do not.` : "";
  byId("environment-says").textContent = `${said}${lacking}`;
  byId("environment-says").hidden = runs.length === 1;
  byId("environment").querySelector("details").hidden = !told;
  for (const [key, values, more] of differing) {
    const texts = values.map(([value, count]) => `${value} (${counted(count, "run")})`);
    if (more) texts.push(`and ${more} more`);
    byId("environment-differing").append(element("p", `${key}: ${texts.join("; ")}`));
  }
  const rows = shared.map(([key, value]) => holding("tr", element("td", key), element("td", value)));
  byId("environment-shared").append(...rows);
}

function showMade({ runs, starts, command, left_out: leftOut }) {
  byId("reproduce").textContent = reproduceCommand(runs[0]);
  for (const one of starts) {
    const where = one.folder ? `, in ${one.folder}` : "";
    byId("starts").append(
      element("p", `${counted(one.runs, "run")} started with this${where}:`, "says"),
      element("pre", one.command),
    );
  }
  byId("page-says").textContent = command ? "This page:" : "";
  byId("page-command").textContent = command;
  byId("page-command").hidden = !command;
  byId("left-out").hidden = !leftOut.length;
  const rows = leftOut.map((one) => holding("tr", element("td", one.path), element("td", one.why)));
  byId("left-out-table").append(...rows);
}

/** The command that makes a run again; its path in quotes where a shell needs them. */
function reproduceCommand(run) {
  const plain = /^[\w@%+=:,./-]+$/.test(run.path) && !run.path.startsWith("-");
  return `seedbed reproduce ${plain ? run.path : `'${run.path.replace(/'/g, `'"'"'`)}'`}`;
}
