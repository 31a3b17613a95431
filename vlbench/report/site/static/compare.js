"use strict";
/* Two models side by side, from their own data files: differences with intervals, tested where that was done. */
(function () {
  const byId = (id) => document.getElementById(id);
  const loaded = new Map();
  let site = null;

  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(4);
  /* A name as a word of a shell. */
  const word = (name) => (/^[\w@%+=:,.\/-]+$/.test(name) ? name : "'" + name.replaceAll("'", "'\\''") + "'");
  const middle = (score) => (Array.isArray(score) ? score[0] : score);
  const probability = (p) => (p < 0.0001 ? "p < 0.0001" : "p = " + p.toPrecision(2));

  vlbench.row = function (row) {
    const tasks = new Map(row.tasks.map(([task, told]) => [task, { ...told, metrics: new Map(told.metrics) }]));
    loaded.get(row.name).resolve({ name: row.name, tasks });
  };
  /* file:// allows no fetch, but a script of the same folder. */
  function load(name) {
    if (!loaded.has(name)) {
      const entry = {};
      entry.promise = new Promise((resolve) => (entry.resolve = resolve));
      loaded.set(name, entry);
      const script = document.createElement("script");
      script.src = site.rows.find((row) => row[0] === name)[1];
      document.head.append(script);
    }
    return loaded.get(name).promise;
  }

  /* Of independent runs: half-widths add as squares. Paired tests need the items, and are made beforehand. */
  function difference(a, b) {
    if (a === null || b === null || a === undefined || b === undefined) return null;
    const found = { value: middle(b) - middle(a), low: null, high: null, p: null };
    if (Array.isArray(a) && Array.isArray(b)) {
      found.low = found.value - Math.hypot(b[0] - b[1], a[2] - a[0]);
      found.high = found.value + Math.hypot(b[2] - b[0], a[0] - a[1]);
    }
    return found;
  }
  function tested(a, b, task, metric) {
    for (const test of site.paired) {
      if (test.task !== task || test.metric !== metric || test.difference === null) continue;
      if (test.a === a && test.b === b) return { value: test.difference, low: test.low, high: test.high, p: test.p, method: test.method };
      if (test.a === b && test.b === a) {
        const flip = (value) => (value === null ? null : -value);
        return { value: -test.difference, low: flip(test.high), high: flip(test.low), p: test.p, method: test.method };
      }
    }
    return null;
  }
  function lines(a, b) {
    const found = [];
    for (const [task, page, averaged] of site.tasks) {
      const [one, two] = [a.tasks.get(task), b.tasks.get(task)];
      if (!one || !two) continue;
      const same = one.protocol === two.protocol;
      for (const [metric, mine] of one.metrics) {
        const primary = metric === one.primary;
        if (!two.metrics.has(metric) || !(primary || byId("all").checked)) continue;
        const theirs = two.metrics.get(metric);
        const paired = same ? tested(a.name, b.name, task, metric) : null;
        const gap = same ? paired ?? difference(mine, theirs) : null;
        found.push({ task, page, averaged, metric, primary, same, paired, gap, a: middle(mine), b: middle(theirs) });
      }
    }
    return found;
  }

  function evidence(line) {
    if (!line.same) return "different protocols";
    if (!line.gap || line.gap.low === null) return "no interval";
    if (line.paired) return line.gap.p === null ? line.gap.method : `${probability(line.gap.p)} (${line.gap.method})`;
    if (line.gap.low > 0) return "B higher, unpaired";
    if (line.gap.high < 0) return "A higher, unpaired";
    return "not told apart, unpaired";
  }
  function picture(line, reach) {
    const place = document.createElement("span");
    place.className = "difference";
    place.setAttribute("aria-hidden", "true");
    if (!line.gap) return place;
    const { value, low, high } = line.gap;
    place.classList.add((low ?? value) > 0 ? "rise" : (high ?? value) < 0 ? "fall" : "level");
    const percent = (number) => Math.min(Math.max(50 + (50 * number) / reach, 0), 100);
    if (low !== null) {
      const bar = document.createElement("i");
      bar.style.left = percent(low) + "%";
      bar.style.right = 100 - percent(high) + "%";
      place.append(bar);
    }
    const dot = document.createElement("b");
    dot.style.left = percent(value) + "%";
    place.append(dot);
    return place;
  }
  function cell(row, content, kind) {
    const made = row.insertCell();
    made.append(content);
    if (kind) made.className = kind;
    return made;
  }
  function fill(found) {
    const body = byId("comparison").tBodies[0];
    body.replaceChildren();
    const ends = found.flatMap((line) => (line.gap ? [line.gap.low ?? line.gap.value, line.gap.high ?? line.gap.value] : []));
    const widest = Math.max(0.01, ...ends.map(Math.abs).filter((end) => end <= 1));
    byId("low").textContent = "−" + widest.toFixed(2);
    byId("high").textContent = "+" + widest.toFixed(2);
    for (const line of found) {
      const row = body.insertRow();
      const head = document.createElement("th");
      head.scope = "row";
      const link = document.createElement("a");
      link.href = line.page;
      link.textContent = line.task;
      head.append(link);
      row.append(head);
      cell(row, line.metric);
      cell(row, line.a === null ? "–" : line.a.toFixed(4), "number");
      cell(row, line.b === null ? "–" : line.b.toFixed(4), "number");
      cell(row, line.gap ? signed(line.gap.value) : "–", "number");
      cell(row, line.gap && line.gap.low !== null ? `${signed(line.gap.low)} to ${signed(line.gap.high)}` : "–", "interval");
      cell(row, picture(line, widest), "plot");
      cell(row, evidence(line), "words");
    }
  }
  function sentence(a, b, found) {
    /* what is no fraction, better when low, or a user's own question has no mean */
    const gaps = found.filter((line) => line.primary && line.gap && line.averaged).map((line) => line.gap);
    if (!gaps.length) return `${a} and ${b} share no task${found.length ? " that is averaged" : ""}.`;
    const higher = gaps.filter((gap) => gap.value > 0).length;
    const clear = gaps.filter((gap) => gap.low !== null && (gap.low > 0 || gap.high < 0)).length;
    const mean = gaps.reduce((sum, gap) => sum + gap.value, 0) / gaps.length;
    return `${b} scores higher than ${a} on ${higher} of ${gaps.length} shared tasks; the mean difference is ${signed(mean)}. On ${clear} of them the interval of the difference leaves out 0.`;
  }
  async function show() {
    const [a, b] = [byId("a").value, byId("b").value];
    const [one, two] = await Promise.all([load(a), load(b)]);
    if (a !== byId("a").value || b !== byId("b").value) return; /* another choice was made meanwhile */
    byId("head-a").title = a;
    byId("head-b").title = b;
    const found = lines(one, two);
    fill(found);
    byId("status").textContent = sentence(a, b, found);
    document.title = `${a} and ${b} · vlbench`;
    const asked = `?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`;
    try {
      history.replaceState(null, "", asked);
    } catch (error) {
      /* some browsers keep the address of a file as it is */
    }
    const paired = found.some((line) => line.paired);
    byId("how").replaceChildren(
      (paired ? "Where a p-value stands, the difference was tested on the same items, Holm over the tasks; elsewhere t" : "T") +
        "he interval takes the two results as independent, which is wider than a paired one. The paired test: ",
      Object.assign(document.createElement("code"), { textContent: `vlbench compare ${word(a)} ${word(b)}` }),
    );
    document.documentElement.dataset.ready = "yes";
  }

  vlbench.names = function (names) {
    site = names;
    const asked = new URLSearchParams(location.search);
    for (const [id, other] of [["a", 0], ["b", 1]]) {
      const select = byId(id);
      for (const [name] of names.rows) select.add(new Option(name, name));
      const wanted = names.rows.findIndex(([name]) => name === asked.get(id));
      select.selectedIndex = wanted >= 0 ? wanted : Math.min(other, names.rows.length - 1);
      select.addEventListener("change", show);
    }
    if (byId("a").value === byId("b").value && !asked.get("b") && names.rows.length > 1) {
      byId("b").selectedIndex = byId("a").selectedIndex === 0 ? 1 : 0;
    }
    byId("all").addEventListener("change", show);
    byId("choice").addEventListener("submit", (event) => event.preventDefault());
    byId("swap").addEventListener("click", function () {
      const kept = byId("a").value;
      byId("a").value = byId("b").value;
      byId("b").value = kept;
      show();
    });
    show();
  };
})();
