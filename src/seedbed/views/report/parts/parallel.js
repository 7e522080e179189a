// Parallel coordinates: a line for each run through all axes; dragging along an axis brushes.

const NO_WEBGL =
  "This browser draws no WebGL, which the parallel coordinates need; the table and the filter do the same.";

// Without the button that would send the data of a picture to the maker of the library.
const QUIET = {
  displaylogo: false,
  responsive: true,
  showSendToCloud: false,
  showLink: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "sendChartToCloud"],
};
const FONT = { family: 'system-ui, "Segoe UI", "DejaVu Sans", sans-serif', size: 12, color: "#1c2430" };

/** Whether the browser draws in three dimensions, by hardware or by program. */
function hasWebGL() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl") || canvas.getContext("experimental-webgl"));
}

class Parallel {
  constructor(report, selection) {
    this.report = report;
    this.selection = selection;
    this.picture = byId("parallel-picture");
    this.order = report.axes.map((_, number) => number);
    if (report.axes.length < 2 || report.runs.length < 2) return;
    byId("parallel").hidden = false;
    if (!hasWebGL()) {
      this.picture.classList.add("none");
      this.picture.textContent = NO_WEBGL;
      return;
    }
    this.says();
    this.drawn = this.state();
    Plotly.newPlot(this.picture, [this.trace()], this.layout(), QUIET);
    this.picture.on("plotly_restyle", () => this.hear());
    selection.onChange((reason) => reason === "filter" && this.draw());
  }

  says() {
    const { told, axes } = this.report;
    const at = (key, words) => axes.filter((one) => one[key])
      .map((one) => ` ${counted(one[key], "run")} ${words} ${one.label}.`).join("");
    const without = at("without", "at none, for want of a finite") + at("beyond", "beyond an end of");
    const wide = this.report.axes.filter((one) => one.logarithmic).map((one) => one.label);
    const logs = wide.length ? ` Logarithmic: ${wide.join(", ")}.` : "";
    const better = { run: `the better its ${told.metric}`, setting: "the better its setting" }[told.order];
    const colour = better ? ` The darker a line, ${better}.` : "";
    byId("parallel-says").textContent =
      "Drag along an axis to choose a part of it, click beside it to let go; drag its name to move it. " +
      `The curves and the table follow.${colour}${logs}${without}`;
  }

  /** Of what is brushed, and of axes that were moved: the picture keeps both in its data. */
  hear() {
    this.order = this.picture.data[0].dimensions.map(({ name }) => Number(name));
    this.selection.brush(this.brushes());
    this.drawn = this.state();
  }

  /** What decides on the picture, beside what it keeps itself. */
  state() {
    return JSON.stringify([this.selection.filtered, [...this.selection.brushes]]);
  }

  /** Draws the runs that the filter takes, with what is brushed as it was; all that takes long. */
  draw() {
    const wanted = this.state();
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    Plotly.react(this.picture, [this.trace()], this.layout(), QUIET);
  }

  trace() {
    const rows = this.selection.filtered.reverse();
    return {
      type: "parcoords",
      line: this.line(rows),
      unselected: { line: { color: "#c4cad3", opacity: 0.25 } },
      labelangle: this.report.axes.length > 6 ? -18 : 0,
      labelfont: { ...FONT, size: 13 },
      tickfont: FONT,
      rangefont: { ...FONT, color: "rgba(0,0,0,0)" },
      dimensions: this.order.map((number) => this.dimension(this.report.axes[number], number, rows)),
    };
  }

  /** Dark for the best; the colour goes by rank, so that no outlier takes it all. */
  line(rows) {
    if (this.report.told.order === "found") return { color: "#1f4e9c" };
    return {
      color: rows,
      cmin: 0,
      cmax: Math.max(1, this.report.runs.length - 1),
      colorscale: [[0, "#0b2a5b"], [0.25, "#2f6db5"], [0.6, "#8fb8de"], [1, "#dfe6ee"]],
    };
  }

  /** Letters for which there is room beside an axis. */
  get letters() {
    return Math.max(6, Math.min(18, Math.floor(this.picture.clientWidth / this.report.axes.length / 7) - 2));
  }

  dimension(axis, number, rows) {
    const low = axis.places.reduce((a, b) => Math.min(a, b));
    const high = axis.places.reduce((a, b) => Math.max(a, b));
    const ranges = this.selection.brushes.get(number);
    return {
      name: String(number),
      label: literal(cut(axis.label, this.letters + 6)),
      values: rows.map((row) => axis.places[row]),
      range: low < high ? [low, high] : [low - 0.5, high + 0.5],
      ...(axis.ticks.length && {
        tickvals: axis.ticks.map(([place]) => place),
        // Ticks of one text would be one tick: each has a number of its own, of signs without width.
        // Their texts are shown as they are, where those of labels are read.
        ticktext: axis.ticks.map(([, text], at) => cut(text, this.letters) + "\u200b".repeat(at)),
      }),
      ...(ranges && { constraintrange: ranges.length === 1 ? ranges[0] : ranges }),
    };
  }

  layout() {
    const top = this.report.axes.length > 6 ? 96 : 56;
    return { margin: { l: 70, r: 90, t: top, b: 24 }, font: FONT, paper_bgcolor: "#fff", autosize: true };
  }

  /** What is brushed now, by the number of the axis. */
  brushes() {
    const found = new Map();
    this.picture.data[0].dimensions.forEach(({ name, constraintrange: range }) => {
      if (range?.length) found.set(Number(name), Array.isArray(range[0]) ? range : [range]);
    });
    return found;
  }
}
