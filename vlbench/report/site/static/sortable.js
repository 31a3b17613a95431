"use strict";
/* Plain tables of class `sortable`: header cells become buttons, aria-sort says what holds. */
vlbench.sortable = function (table) {
  const heads = [...table.tHead.rows[0].cells];
  const number = (text) => {
    const value = parseFloat(text.replaceAll(",", "").replace("−", "-").replace(/^[<≤]\s*/, ""));
    return Number.isNaN(value) ? null : value;
  };
  const said = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent.trim();
  heads.forEach(function (head, i) {
    if ("unsorted" in head.dataset) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", function () {
      const numeric = head.classList.contains("number");
      const first = numeric ? "descending" : "ascending";
      const other = numeric ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((each) => each.hasAttribute("aria-sort") && each.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const keyed = [...table.tBodies[0].rows].map((row) => [numeric ? number(said(row, i)) : said(row, i), row]);
      keyed.sort(function ([a], [b]) {
        if (a === null || b === null) return (a === null) - (b === null); /* what was not measured comes last */
        return sign * (numeric ? a - b : a.localeCompare(b, "en"));
      });
      table.tBodies[0].append(...keyed.map(([, row]) => row));
    });
  });
};
document.querySelectorAll("table.sortable").forEach(vlbench.sortable);
