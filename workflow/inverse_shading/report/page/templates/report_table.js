// Tables of the class "sortable": a click on a heading sorts by its column, a second one the other way.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const body = table.tBodies[0];

  const keyOf = (row, index) => {
    const cell = row.cells[index];
    if (cell.classList.contains("text") || cell.tagName === "TH") return cell.textContent;
    return "value" in cell.dataset ? Number(cell.dataset.value) : null;
  };

  const sort = (index, direction) => {
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => [keyOf(row, index), row]);
    rows.sort(([a], [b]) => {
      // Rows without a value stay below, whichever way.
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "string" ? a.localeCompare(b, "en") : a - b);
    });
    for (const [, row] of rows) body.append(row);
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[index].setAttribute("aria-sort", direction);
  };

  heads.forEach((head, index) => {
    head.querySelector("button").addEventListener("click", () => {
      const first = head.dataset.first;
      const other = first === "ascending" ? "descending" : "ascending";
      sort(index, head.getAttribute("aria-sort") === first ? other : first);
    });
  });
}
