{
  const said = document.getElementById("sorted");
  const byModel = (a, b) => a.dataset.model - b.dataset.model;

  const compare = (a, b, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (isNaN(a) || isNaN(b) ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  };

  const arrange = (order) => {
    for (const group of document.querySelectorAll("table.sortable tbody, .across")) {
      const parts = [...group.children].sort(byModel);
      group.append(...order.map((model) => parts[model]));
    }
  };

  const sort = (button, name, cells) => {
    const falling = button.dataset.sorted === "ascending";
    const keys = [...cells].sort((a, b) => byModel(a.closest("[data-model]"), b.closest("[data-model]"))).map((cell) => cell.dataset.key);
    const models = keys.map((_, model) => model);
    document.querySelectorAll("[data-sorted]").forEach((other) => delete other.dataset.sorted);
    document.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    button.dataset.sorted = falling ? "descending" : "ascending";
    button.closest("th")?.setAttribute("aria-sort", button.dataset.sorted);
    arrange(models.sort((a, b) => compare(keys[a], keys[b], falling ? -1 : 1) || a - b));
    said.textContent = `Models are sorted by ${name}, ${button.dataset.sorted}, here and below.`;
  };

  const control = (name, cells) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.addEventListener("click", () => sort(button, name, cells()));
    return button;
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const [label] = heading.childNodes;
      const name = label.textContent.trim();
      const button = control(name, () => [...table.tBodies[0].rows].map((row) => row.cells[column]));
      button.append(name);
      label.remove();
      heading.prepend(button);
    });
  }
  for (const quantity of document.querySelectorAll(".quantity")) {
    const name = quantity.getAttribute("aria-label");
    const button = control(name, () => quantity.querySelectorAll(".cell"));
    button.textContent = "Sort";
    button.setAttribute("aria-label", `Sort models by ${name}`);
    quantity.querySelector("h4").after(button);
  }
  said.textContent = "The headings and the Sort buttons arrange the models, here and below.";
}
