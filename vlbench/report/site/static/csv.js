"use strict";
/* Text of a CSV as Python's csv module writes it, and its download. */
vlbench.csv = function (lines) {
  const quoted = (cell) => (/[",\r\n]/.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell);
  return lines.map((cells) => cells.map((cell) => quoted(String(cell ?? ""))).join(",") + "\n").join("");
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
