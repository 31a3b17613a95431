"use strict";
/* The leaderboard: filters, chosen columns and the download around a Tabulator table. */
vlbench.leaderboard = function (data) {
  const FIRST_TASKS = 16; /* of more tasks, so many are shown at first */
  const [ROW, TALL_ROW] = [31, 46];
  const FIRST_FACTS = ["family", "parameters", "gflops"];
  const LABELS = { parameters: "Parameters (M)", gflops: "GFLOPs", image_size: "Image size", images_per_second: "Images/s", zero_shot: "Zero-shot" };
  const byId = (id) => document.getElementById(id);
  const element = (name, text, place) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (place) place.append(made);
    return made;
  };
  const worded = (name) => LABELS[name] ?? name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
  const isNumber = (cells) => cells.some((cell) => cell !== "") && cells.every((cell) => cell === "" || !Number.isNaN(Number(cell)));

  /* Columns: averages, the tasks, the facts of cards and runs. */
  const summaries = data.others.filter((name) => !data.facts.includes(name));
  const other = (name, group) => {
    const i = data.others.indexOf(name);
    return { id: "o" + i, name, group, read: (row) => row.cells[i] };
  };
  const columns = [
    ...summaries.map((name) => other(name, "Averages")),
    ...data.tasks.map((task, i) => ({ id: "t" + i, name: task.name, group: task.kind, task, i })),
    ...data.facts.map((name) => other(name, "Facts")),
  ];
  const value = (score) => (Array.isArray(score) ? score[0] : score);
  const rows = data.rows.map(function (row) {
    const made = { name: row.name, source: row };
    for (const column of columns) {
      made[column.id] = column.task ? value(row.scores[column.i]) : column.read(row);
    }
    return made;
  });
  for (const column of columns) {
    column.numeric = Boolean(column.task) || isNumber(rows.map((row) => row[column.id]));
    if (!column.numeric) continue;
    for (const row of rows) row[column.id] = row[column.id] === "" || row[column.id] === null ? null : Number(row[column.id]);
    column.lowIsGood = column.task ? column.task.lowIsGood : column.name === "mean_rank";
    column.marked = column.group !== "Facts";
    const known = rows.map((row) => row[column.id]).filter((number) => number !== null);
    column.best = column.lowIsGood ? Math.min(...known) : Math.max(...known);
  }
  const shown = new Set(
    columns
      .filter((c) => (c.task ? c.i < FIRST_TASKS : c.group === "Averages" || FIRST_FACTS.includes(c.name)))
      .map((c) => c.id),
  );

  const format = (column, number) => {
    if (column.lowIsGood && !column.task) return number.toFixed(1);
    if (column.marked) return number.toFixed(3);
    return number.toLocaleString("en", { maximumFractionDigits: Math.abs(number) < 10 ? 3 : 1 });
  };
  const decimals = (number) => number.toFixed(3);
  let withIntervals = false;

  function scoreCell(column) {
    return function (cell) {
      const number = cell.getValue();
      if (number === null) return '<span class="none">–</span>';
      const row = cell.getData().source;
      let text = format(column, number);
      if (column.marked && number === column.best) text = '<span class="best">' + text + "</span>";
      if (!column.task) return text;
      if (row.zeroShot[column.i] === "n") text += '<span class="mark" title="the model, or its method, learned from data of this task">†</span>';
      const score = row.scores[column.i];
      if (Array.isArray(score)) {
        const interval = decimals(score[1]) + "–" + decimals(score[2]);
        cell.getElement().title = interval;
        if (withIntervals) text += "<small>" + interval + "</small>";
      }
      return '<span class="stack">' + text + "</span>";
    };
  }
  function textCell(cell) {
    const said = cell.getValue();
    return element("span", said === null || said === "" ? "–" : said);
  }
  function nameCell(cell) {
    const link = element("a", cell.getValue());
    link.href = cell.getData().source.page;
    link.title = cell.getValue();
    return link;
  }
  function titled(cell, parameters) {
    const title = element("span");
    for (const part of parameters.text.split(/(?<=[-_@/.])/)) title.append(part, document.createElement("wbr"));
    return title;
  }
  function definition(column) {
    const compact = window.innerWidth < 640;
    const named = column.task ? column.name : column.group === "Facts" ? worded(column.name) : column.name;
    return {
      field: column.id,
      title: named,
      titleFormatter: titled,
      titleFormatterParams: { text: named },
      headerTooltip: column.task ? () => element("div", column.task.metric) : false, /* text: Tabulator takes strings for HTML */
      visible: shown.has(column.id),
      sorter: column.numeric ? "number" : "string",
      sorterParams: { alignEmptyValues: "bottom" },
      headerSortStartingDir: column.marked && !column.lowIsGood ? "desc" : "asc",
      hozAlign: column.numeric ? "right" : "left",
      headerHozAlign: column.numeric ? "right" : "left",
      cssClass: column.numeric ? "right" : "",
      width: Math.min(Math.max(column.numeric ? 90 : 104, named.length * 8.2 + 40), compact ? 120 : 142),
      formatter: column.numeric ? scoreCell(column) : textCell,
      resizable: false,
    };
  }
  function sizeOfName() {
    const longest = Math.max(...rows.map((row) => row.name.length));
    return Math.min(Math.max(120, longest * 7.6 + 24), window.innerWidth < 640 ? 150 : 340);
  }

  const wide = columns.length > 24; /* of more columns those in sight alone are drawn: it keeps filters fast */
  const byMean = columns.find((column) => column.name === "mean");
  const grid = byId("grid");
  byId("plain").remove(); /* the plain table is for readers without this script */
  const table = new Tabulator(grid, {
    data: rows,
    index: "name",
    renderVerticalBuffer: 60,
    layout: wide ? "fitData" : "fitDataTable",
    renderHorizontal: wide ? "virtual" : "basic",
    rowHeight: ROW,
    height: rows.length > 30 ? "78vh" : false,
    placeholder: "No model passes the filters",
    columnDefaults: { vertAlign: "middle" },
    initialSort: byMean ? [{ column: byMean.id, dir: "desc" }] : [{ column: "name", dir: "asc" }],
    columns: [
      {
        field: "name",
        title: "Model",
        frozen: true,
        width: sizeOfName(),
        sorter: "string",
        formatter: nameCell,
        resizable: false,
      },
      ...columns.map(definition),
    ],
  });

  /* Tabulator's headers hear the mouse alone: Tab reaches them here, Enter and Space sort. */
  function openToKeys() {
    grid.setAttribute("aria-label", "Leaderboard");
    grid.querySelectorAll(".tabulator-col.tabulator-sortable").forEach((head) => (head.tabIndex = 0));
  }
  grid.addEventListener("keydown", function (event) {
    const head = event.target.closest(".tabulator-col.tabulator-sortable");
    if (!head || head !== event.target || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    head.click();
  });

  /* Filters. */
  const controls = { search: byId("search"), family: byId("family"), least: byId("least"), most: byId("most") };
  const familyAt = data.others.indexOf("family");
  const sizeAt = data.others.indexOf("parameters");
  const families = new Set(data.rows.map((row) => row.cells[familyAt]).filter(Boolean));
  [...families].sort().forEach((family) => element("option", family, controls.family));
  data.tasks.forEach((task) => element("option", task.name, byId("task")));
  byId("family").closest("label").hidden = families.size === 0;
  byId("least").closest("fieldset").hidden = sizeAt < 0;

  function passing() {
    const part = controls.search.value.trim().toLowerCase();
    const family = controls.family.value;
    const [least, most] = [controls.least, controls.most].map((input) => (input.value === "" ? null : Number(input.value)));
    const task = data.tasks.findIndex((each) => each.name === byId("task").value);
    const allowed = byId("zero-shot").value;
    const tasks = columns.filter((column) => column.task && shown.has(column.id)).map((column) => column.i);
    return function (made) {
      const row = made.source;
      if (part && !row.name.toLowerCase().includes(part)) return false;
      if (family && row.cells[familyAt] !== family) return false;
      const size = row.cells[sizeAt] ? Number(row.cells[sizeAt]) : null;
      if (least !== null && (size === null || size < least)) return false;
      if (most !== null && (size === null || size > most)) return false;
      if (task >= 0 && row.scores[task] === null) return false;
      if (!allowed) return true;
      const scored = tasks.filter((i) => row.scores[i] !== null);
      return scored.length > 0 && scored.every((i) => allowed.includes(row.zeroShot[i]));
    };
  }
  function count() {
    const active = table.getDataCount("active");
    const tasks = columns.filter((column) => column.task && shown.has(column.id)).length;
    byId("status").textContent = `${active} of ${rows.length} models, ${tasks} of ${data.tasks.length} tasks shown`;
  }
  function filter() {
    table.setFilter(passing());
    count();
  }

  /* Columns chosen. */
  const boxes = new Map();
  function show(ids, on) {
    table.blockRedraw();
    for (const id of ids) {
      if (shown.has(id) === on) continue;
      if (on) shown.add(id);
      else shown.delete(id);
      boxes.get(id).checked = on;
      if (on) table.showColumn(id);
      else table.hideColumn(id);
    }
    table.restoreRedraw();
    filter();
  }
  for (const group of new Set(columns.map((column) => column.group))) {
    const members = columns.filter((column) => column.group === group);
    const set = element("fieldset", undefined, byId("columns"));
    element("legend", group[0].toUpperCase() + group.slice(1), set);
    for (const [text, on] of [["all", true], ["none", false]]) {
      const button = element("button", text, set);
      button.type = "button";
      button.setAttribute("aria-label", `${group}: show ${text}`);
      button.addEventListener("click", () => show(members.map((column) => column.id), on));
    }
    const choices = element("div", undefined, set);
    choices.className = "choices";
    for (const column of members) {
      const label = element("label", undefined, choices);
      const box = element("input", undefined, label);
      box.type = "checkbox";
      box.checked = shown.has(column.id);
      box.addEventListener("change", () => show([column.id], box.checked));
      label.append(column.group === "Facts" ? worded(column.name) : column.name);
      boxes.set(column.id, box);
    }
  }
  const chooser = byId("chooser");
  document.addEventListener("click", (event) => chooser.contains(event.target) || (chooser.open = false));
  chooser.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    chooser.open = false;
    chooser.querySelector("summary").focus();
  });

  /* One task alone: its column, and the models that have a result on it. */
  let before = null;
  byId("task").addEventListener("change", function () {
    const chosen = columns.find((column) => column.task && column.name === this.value);
    const tasks = columns.filter((column) => column.task).map((column) => column.id);
    before = before ?? tasks.filter((id) => shown.has(id));
    show(tasks.filter((id) => (chosen ? id !== chosen.id : !before.includes(id))), false);
    show(chosen ? [chosen.id] : before, true);
    if (chosen) table.setSort(chosen.id, chosen.lowIsGood ? "asc" : "desc");
    else before = null;
  });

  /* The download: the rows and columns shown that leaderboard.csv has, its cells and order. */
  function download() {
    const at = (column) => data.header.indexOf(column.name);
    const ordered = columns.filter((column) => shown.has(column.id) && at(column) >= 0).sort((one, two) => at(one) - at(two));
    const cell = (column, made) => {
      if (column.task) return made[column.id] === null ? "" : made[column.id].toFixed(6);
      return column.read(made.source);
    };
    const lines = table.getData("active").map((made) => [made.name, ...ordered.map((column) => cell(column, made))]);
    vlbench.download("leaderboard.csv", vlbench.csv([["model", ...ordered.map((column) => column.name)], ...lines]));
  }

  table.on("tableBuilt", function () {
    openToKeys();
    let waiting = 0;
    const soon = function () {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(filter);
    };
    for (const control of Object.values(controls)) control.addEventListener("input", soon);
    byId("zero-shot").addEventListener("change", filter);
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    byId("intervals").addEventListener("change", function () {
      withIntervals = this.checked;
      table.options.rowHeight = withIntervals ? TALL_ROW : ROW;
      table.getRows().forEach((row) => row.reformat());
      table.redraw(true);
    });
    byId("download").addEventListener("click", download);
    filter();
    document.documentElement.dataset.ready = "yes";
  });
  vlbench.table = table;
};
