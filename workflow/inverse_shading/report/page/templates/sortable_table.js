// Tables of the class "sortable": a click on a heading sorts by its column, a second one the other way.

import { find, findAll } from "./dom.js";
import { compareKeys } from "./order.js";

/**
 * @param {HTMLTableRowElement} row
 * @param {number} index the column's
 * @returns {import("./order.js").Key}
 */
function keyOf(row, index) {
  const cell = row.cells[index];
  if (cell === undefined) return { value: null, apart: false };
  const isText = cell.classList.contains("text") || cell.tagName === "TH";
  const number = cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  return { value: isText ? cell.textContent : number, apart: "apart" in cell.dataset };
}

/** @param {HTMLTableElement} table */
function makeSortable(table) {
  const heads = findAll("thead tr:last-child th", HTMLTableCellElement, table);
  const body = find("tbody", HTMLTableSectionElement, table);

  /**
   * @param {HTMLTableCellElement} head
   * @param {string} direction
   */
  const sort = (head, direction) => {
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => ({ row, key: keyOf(row, head.cellIndex) }));
    rows.sort((a, b) => compareKeys(a.key, b.key, sign));
    body.append(...rows.map(({ row }) => row));
    for (const one of heads) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
  };

  for (const head of heads) {
    const first = head.dataset.first ?? "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    find("button", HTMLButtonElement, head).addEventListener("click", () => {
      sort(head, head.getAttribute("aria-sort") === first ? other : first);
    });
  }
}

/** Let all sortable tables of the page be sorted. */
export function startTables() {
  findAll("table.sortable", HTMLTableElement).forEach(makeSortable);
}
