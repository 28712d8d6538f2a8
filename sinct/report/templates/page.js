"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

document.documentElement.classList.add("js");

// Theme: the system's, until the button says otherwise.
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tell = () => ($("#theme").textContent = isDark() ? "Light theme" : "Dark theme"); // what a click gives
  $("#theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tell();
  });
  system.addEventListener("change", tell);
  tell();
}

// Tables: a heading's button sorts the contenders, the better first; controls stay at their ends.
for (const table of $$(".sortable")) {
  const headings = $$("thead tr:last-child th", table);
  headings.forEach((heading, column) => {
    const button = $(".sort", heading);
    button?.addEventListener("click", () => {
      const better = button.dataset.better ?? "ascending";
      const other = better === "ascending" ? "descending" : "ascending";
      const order = heading.getAttribute("aria-sort") === better ? other : better;
      for (const each of headings) if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", order);
      sortRows($("tbody.contenders", table), column, order === "ascending" ? 1 : -1);
    });
  });
}

function sortRows(body, column, sign) {
  const value = (row) => row.cells[column]?.dataset.value;
  const compare = (a, b) => (column === 0 ? a.localeCompare(b) : a - b);
  const rows = [...(body?.rows ?? [])].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === undefined || right === undefined) return (left === undefined) - (right === undefined);
    return sign * compare(left, right);
  });
  body?.append(...rows);
}

// On paper nothing can be opened.
addEventListener("beforeprint", () => $$("details").forEach((details) => (details.open = true)));
