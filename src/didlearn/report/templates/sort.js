const tables = [...document.querySelectorAll("table.sortable")];
const said = document.getElementById("sorted");
const first = (cell) => cell.dataset.key ?? "";

function arrange(order) {
  for (const body of tables.map((table) => table.tBodies[0])) {
    const rows = [...body.rows].sort((a, b) => a.dataset.model - b.dataset.model);
    body.append(...order.map((i) => rows[i]));
  }
  for (const group of document.querySelectorAll(".across")) {
    const cells = [...group.children].sort((a, b) => a.dataset.model - b.dataset.model);
    group.append(...order.map((i) => cells[i]));
  }
}

function compare(a, b, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  return sign * (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
}

function sort(table, column, heading) {
  const falling = heading.getAttribute("aria-sort") === "ascending";
  const keys = [];
  for (const row of table.tBodies[0].rows) keys[row.dataset.model] = first(row.cells[column]);
  const order = keys.map((_, i) => i).sort((a, b) => compare(keys[a], keys[b], falling ? -1 : 1) || a - b);
  document.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  arrange(order);
  said.textContent = `Sorted by ${heading.textContent}, ${falling ? "descending" : "ascending"}.`;
}

for (const table of tables) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(table, column, heading));
    heading.append(button);
  });
}
