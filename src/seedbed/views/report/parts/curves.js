// Curves of one metric by epoch: those of the best runs that are shown, and the others in grey.

const DASHES = ["solid", "dash", "dot", "dashdot"];
const COLOURS = [
  "#1f4e9c", "#c4501b", "#1b7f4b", "#8a3ffc", "#a3123f",
  "#00707a", "#8a6100", "#52596b", "#d12771", "#3b6e00",
];
const MOST_NAMED = 12;
const FEW = 3;
const LAST = ["train", "test"];

class Curves {
  constructor(report, selection) {
    this.report = report;
    this.selection = selection;
    this.metrics = report.curves.metrics;
    if (!this.metrics.length) return;
    byId("curves").hidden = false;
    this.picture = byId("curves-picture");
    if (!report.curves.epochs.some((epochs) => epochs.length)) {
      byId("curve-metric").closest("p").hidden = this.picture.hidden = true;
      byId("curves-says").textContent = "No run has an epoch that ended.";
      return;
    }
    this.controls();
    this.draw();
    selection.onChange(() => String(selection.rows) !== this.drawn && this.draw());
  }

  /** `loss` of `val/loss`; a name without a split is one of its own. */
  baseOf(name) {
    return name.slice(name.indexOf("/") + 1);
  }

  splitOf(name) {
    return name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
  }

  controls() {
    const bases = [...new Set(this.metrics.map((name) => this.baseOf(name)))];
    const choice = byId("curve-metric");
    choice.append(...bases.map((base) => new Option(base, base)));
    const compared = this.baseOf(this.report.told.metric.replace(/^best\./, ""));
    choice.value = bases.includes(compared) ? compared : bases[0];
    choice.onchange = () => {
      this.splits();
      this.draw();
    };
    for (const id of ["curve-number", "curve-others"]) {
      byId(id).parentNode.hidden = this.report.runs.length <= 10;
    }
    byId("curve-number").onchange = () => this.draw();
    byId("curve-others").onchange = () => this.draw();
    byId("curve-log").onchange = () => this.draw();
    this.splits();
  }

  /** A box to tick for each split that has the metric; the validation rows are ticked at first. */
  splits() {
    const base = byId("curve-metric").value;
    this.names = this.metrics.filter((name) => this.baseOf(name) === base);
    this.names.sort((a, b) => LAST.indexOf(this.splitOf(a)) - LAST.indexOf(this.splitOf(b)));
    this.boxes = this.names.map((name, at) => {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = name;
      box.checked = at === 0 || this.report.runs.length <= FEW;
      box.onchange = () => this.draw();
      return box;
    });
    const words = { val: "validation", train: "training", test: "test" };
    const labels = this.names.map((name, at) => {
      const split = this.splitOf(name);
      return holding("label", this.boxes[at], ` ${words[split] ?? name}`);
    });
    byId("curve-splits").replaceChildren(...labels);
    byId("curve-log").checked = this.isWide();
  }

  /** Whether the values of the runs span two decades, all above zero. */
  isWide() {
    let [low, high] = [Infinity, 0];
    for (const run of this.report.curves.runs) {
      for (const value of ownOf(run, this.names[0])?.[1] ?? []) {
        if (value === null) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    return low > 0 && high / low >= 100 && high < Infinity;
  }

  draw() {
    const names = this.boxes.filter((box) => box.checked).map((box) => box.value);
    const { runs } = this.report.curves;
    const { rows } = this.selection;
    this.drawn = String(rows);
    const having = rows.filter((row) => names.some((name) => ownOf(runs[row], name)));
    const most = Number(byId("curve-number").value);
    const best = having.slice(0, most);
    const rest = having.slice(most);
    const few = best.length <= MOST_NAMED && names.length < 3;
    const traces = best.flatMap((row, at) => names.map((name, n) => this.trace(row, name, at, n)));
    if (byId("curve-others").checked && rest.length) {
      traces.unshift(...names.map((name) => this.together(rest, name)));
    }
    Plotly.react(this.picture, traces, this.layout(names, few), QUIET);
    this.says(best.length, rest.length);
  }

  trace(row, name, at, split) {
    const [epochs, values] = this.points(row, name);
    const title = this.titleOf(row);
    const isFirst = split === 0;
    return {
      type: "scatter",
      mode: epochs.length === 1 ? "markers" : "lines",
      x: epochs,
      y: values,
      name: literal(cut(title, 64)),
      hoverinfo: "text",
      text: epochs.map((x, n) => literal(`${cut(title, 60)}, epoch ${x}: ${name} ${digits(values[n], 5)}`)),
      line: {
        color: COLOURS[at % COLOURS.length],
        dash: isFirst ? DASHES[(at + Math.floor(at / 20)) % DASHES.length] : "dot",
        width: isFirst ? 2 : 1,
      },
      legendgroup: String(row),
      showlegend: isFirst,
      meta: row,
    };
  }

  /** What sets a run apart; its name, where nothing does. */
  titleOf(row) {
    const keys = this.report.columns.filter((one) => one.role === "key");
    const told = keys.map((one) => `${one.label}=${textOf(one, row)}`).join(" ");
    return told || this.report.columns[0].values[row];
  }

  points(row, name) {
    const found = ownOf(this.report.curves.runs[row], name);
    return found ? [this.report.curves.epochs[found[0]], found[1]] : [[], []];
  }

  /** Many curves as one line with gaps between them, as so many traces would take too long. */
  together(rows, name) {
    const x = [];
    const y = [];
    for (const row of rows) {
      const [epochs, values] = this.points(row, name);
      x.push(...epochs, null);
      y.push(...values, null);
    }
    const line = { color: "rgba(120, 130, 145, 0.22)", width: 1 };
    const look = { mode: "lines", hoverinfo: "skip", showlegend: false, line };
    return { type: "scatter", x, y, connectgaps: false, ...look };
  }

  layout(names, hasLegend) {
    const title = names.length === 1 ? names[0] : this.baseOf(this.names[0]);
    const axis = { gridcolor: "#e4e8ee", zeroline: false, linecolor: "#aab4c2", ticks: "outside" };
    return {
      margin: { l: 70, r: 20, t: 14, b: 46 },
      font: FONT,
      paper_bgcolor: "#fff",
      plot_bgcolor: "#fff",
      hovermode: "closest",
      showlegend: hasLegend,
      legend: { orientation: "h", y: -0.2, yanchor: "top", font: { ...FONT, size: 11 } },
      uirevision: title,
      autosize: true,
      xaxis: { ...axis, title: { text: "epoch", standoff: 6 } },
      yaxis: {
        ...axis,
        title: { text: literal(cut(title, 60)) },
        type: byId("curve-log").checked ? "log" : "linear",
        exponentformat: "power",
      },
    };
  }

  says(best, rest) {
    const { points, thinned, notes } = this.report.curves;
    const order = this.report.told.order === "run" ? "best" : "first";
    const grey = byId("curve-others").checked ? "in grey" : "not drawn";
    const shown = rest
      ? `The ${order} ${best} of the runs that are shown, in colour; ${rest} others ${grey}.`
      : `${counted(best, "run")}.`;
    const thin = thinned
      ? ` Long curves are thinned to ${points} points, which keep the lowest and the highest of each stretch.`
      : "";
    const more = notes.length ? ` ${notes.join(". ")}.` : "";
    const ticked = this.boxes.filter((box) => box.checked).length > 1;
    const looks = ` Thick: ${this.boxes.find((box) => box.checked)?.value}; thin and dotted: the other.`;
    const kept = " The table has the values of the weights that were kept, which may be of an earlier epoch.";
    byId("curves-says").textContent = `${shown}${ticked ? looks : ""}${thin}${kept}${more}`;
  }
}
