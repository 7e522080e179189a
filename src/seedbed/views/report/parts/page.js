// Begins: reads the data, says what is known, and joins the filter, the pictures and the table.

const HELP =
  "Words are looked for in all cells; a comparison such as optimizer.lr<0.01 and status=completed asks as " +
  "seedbed runs --filter does, by the names of the columns.";

function start() {
  performance.mark("script");
  const report = JSON.parse(byId("data").textContent);
  const selection = new Selection(report);
  showHead(report);
  showVerdict(report);
  showImportance(report);
  showSettings(report);
  showConfig(report);
  showEnvironment(report);
  showMade(report);
  new Table(report, selection);
  joinFilter(selection);
  performance.mark("table");
  // The library stands behind this script, so that the table is there before it is read.
  document.addEventListener("DOMContentLoaded", () => draw(report, selection));
}

/** The parallel coordinates last: where WebGL is drawn by program, they take a second. */
function draw(report, selection) {
  new Curves(report, selection);
  performance.mark("curves");
  setTimeout(() => {
    new Parallel(report, selection);
    performance.mark("parallel");
    document.body.dataset.ready = "yes";
  });
}

function joinFilter(selection) {
  byId("help").textContent = HELP;
  selection.onChange(() => {
    byId("brushed").textContent = `Brushed: ${selection.brushed.join("; ")}`;
    byId("brushed").hidden = selection.brushes.size === 0;
  });
  byId("clear").onclick = () => {
    byId("filter").value = "";
    selection.brushes = new Map();
    useFilter(selection);
  };
  byId("choice").hidden = selection.report.runs.length < 2;
  let waiting = 0;
  byId("filter").oninput = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => useFilter(selection), 200);
  };
  byId("filter").onchange = () => {
    clearTimeout(waiting);
    useFilter(selection);
  };
}

/** Takes what stands in the filter; says what of it cannot be read. */
function useFilter(selection) {
  const said = byId("mistake");
  said.hidden = true;
  try {
    selection.filter(byId("filter").value);
  } catch (problem) {
    if (!(problem instanceof Mistake)) throw problem;
    said.textContent = `The filter cannot be read, and all runs are shown: ${problem.message}`;
    said.hidden = false;
  }
}

start();
