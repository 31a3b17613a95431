"use strict";
/* Text of a CSV as vlbench writes it, and its download. */
vlbench.csv = function (lines) {
  const formula = /^'*[=+\-@\t\r\n＝＋－＠]/; /* these two are FORMULA and NUMBER of report/csv_text.py */
  const number = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;
  const guarded = (cell) => (formula.test(cell) && !number.test(cell) ? "'" + cell : cell);
  const quoted = (cell) => (/[",\r\n]/.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell);
  return lines.map((cells) => cells.map((cell) => quoted(guarded(String(cell ?? "")))).join(",") + "\n").join("");
};
vlbench.download = function (name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
