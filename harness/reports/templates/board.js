"use strict";
(() => {
  const table = document.querySelector("table.board");
  const tools = document.querySelector(".tools");
  if (!table || !tools) return;
  const rows = [...table.tBodies];
  const headers = [...table.tHead.rows[0].cells];
  const cell = (row, index) => row.rows[0].cells[index];
  const column = (key) => headers.findIndex((header) => header.classList.contains(key));

  const number = (text) => {
    const found = text.replaceAll(",", "").match(/\d+(\.\d+)?/);
    return found ? Number(found[0]) : null;
  };
  const compare = (a, b, isNumber) => {
    if (!isNumber) return a.localeCompare(b, undefined, { numeric: true });
    const [x, y] = [number(a), number(b)];
    return x - y;
  };
  const isEmpty = (text) => text === "–" || text === "";

  const sort = (index, direction) => {
    const isNumber = headers[index].classList.contains("right");
    const text = (row) => cell(row, index).textContent.trim();
    const order = direction === "none" ? rows : [...rows].sort((one, other) => {
      const [a, b] = [text(one), text(other)];
      if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
      return direction === "ascending" ? compare(a, b, isNumber) : compare(b, a, isNumber);
    });
    headers.forEach((header) => header.removeAttribute("aria-sort"));
    if (direction !== "none") headers[index].setAttribute("aria-sort", direction);
    table.append(...order);
  };

  const order = tools.querySelector("[name=sort]");
  order.addEventListener("change", () => {
    const [index, direction] = order.value.split(" ");
    sort(Number(index || 0), direction ?? "none");
  });

  headers.forEach((header, index) => {
    const title = header.querySelector(".title");
    const name = title.textContent.trim();
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.replaceChildren(button);
    const first = header.matches(".accuracy, .points") ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const next = { [first]: second, [second]: "none" };
    for (const direction of [first, second]) {
      order.add(new Option(`${name}, ${direction}`, `${index} ${direction}`));
    }
    button.addEventListener("click", () => sort(index, next[header.getAttribute("aria-sort")] ?? first));
  });

  const search = tools.querySelector("input");
  const selects = [...tools.querySelectorAll("select:not([name=sort])")];
  const dots = new Map([...document.querySelectorAll('a[href^="#row-"]')].map((dot) => [dot.getAttribute("href").slice(1), dot]));
  const count = tools.querySelector("output");
  const chosen = (select) => {
    const index = column(select.name);
    return (row) => select.value === "" || cell(row, index).textContent.trim() === select.value;
  };
  const filter = () => {
    const words = search.value.toLocaleLowerCase().split(/\s+/);
    const tests = selects.map(chosen);
    let shown = 0;
    for (const row of rows) {
      const text = row.rows[0].textContent.toLocaleLowerCase();
      row.hidden = !(words.every((word) => text.includes(word)) && tests.every((test) => test(row)));
      shown += !row.hidden;
      dots.get(row.id)?.classList.toggle("away", row.hidden);
    }
    count.value = `${shown} of ${rows.length} shown`;
  };
  for (const select of selects) {
    const index = column(select.name);
    const values = [...new Set(rows.map((row) => cell(row, index).textContent.trim()))].filter((text) => !isEmpty(text));
    values.sort().forEach((value) => select.add(new Option(value, value)));
    select.addEventListener("change", filter);
  }
  search.addEventListener("input", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.hidden = false;
  filter();

  const open = () => {
    const details = document.getElementById(location.hash.slice(1))?.querySelector("details");
    if (details) details.open = true;
  };
  window.addEventListener("hashchange", open);
  open();
})();
