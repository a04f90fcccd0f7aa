/* Draws the pictures of a page, and redraws or refilters them when a choice or the window's width changes. */
(() => {
  "use strict";
  const given = JSON.parse(document.getElementById("pictures").textContent);
  const views = new Map();
  const chosen = {};
  const selects = [...document.querySelectorAll("select[data-choice]")];

  /* A width of "container" becomes a number. Views inside a concatenation keep room for their axes. */
  function fitted(spec, width) {
    const copy = structuredClone(spec);
    const parts = copy.vconcat || copy.hconcat || copy.concat;
    if (parts) {
      const inner = width - ((spec.usermeta || {}).reserve || 70);
      for (const part of parts) if (part.width === "container") part.width = inner;
    } else if (copy.width === "container") {
      copy.width = width;
      copy.autosize = { type: "fit-x", contains: "padding" };
    }
    for (const param of copy.params || []) if (param.name in chosen) param.value = chosen[param.name];
    return copy;
  }

  async function draw(place) {
    const spec = given.specs[place.dataset.picture];
    const width = Math.max(260, Math.floor(place.clientWidth));
    if (!spec || place.dataset.width === String(width)) return;
    place.dataset.width = String(width);
    const before = views.get(place);
    const found = await vegaEmbed(place, fitted(spec, width), {
      actions: false, ast: true, renderer: "svg", config: given.config,
      tooltip: { theme: "custom", disableDefaultStyle: false },
    });
    if (before) before.finalize();
    views.set(place, found.view);
    place.querySelector("svg").setAttribute("aria-hidden", "true"); /* the label of the figure says it */
    place.dataset.drawn = "yes";
  }

  async function drawAll() {
    for (const place of document.querySelectorAll("[data-picture]")) await draw(place);
    document.documentElement.dataset.drawn = "yes";
  }

  /* Rows about something else than what is chosen are hidden; "all" hides none. */
  function filterTables() {
    for (const table of document.querySelectorAll("table[data-choices]")) {
      const columns = JSON.parse(table.dataset.choices);
      for (const row of table.tBodies[0].rows) {
        row.hidden = Object.entries(columns).some(([at, names]) => {
          const wanted = names.map((name) => chosen[name]);
          return !wanted.includes("all") && !wanted.includes(row.cells[at].dataset.value ?? row.cells[at].textContent);
        });
      }
    }
  }

  async function choose() {
    for (const select of selects) chosen[select.dataset.choice] = select.value;
    filterTables();
    for (const view of views.values()) {
      const signals = view.getState().signals;
      let changed = false;
      for (const [name, value] of Object.entries(chosen)) {
        if (name in signals && signals[name] !== value) { view.signal(name, value); changed = true; }
      }
      if (changed) await view.runAsync();
    }
  }

  /* What sim/reporting/figures.py does for the tables that are in the file as elements. */
  const NOTHING = "–";
  const digits = (places) => new Intl.NumberFormat("en", { minimumFractionDigits: places, maximumFractionDigits: places });
  const WHOLE = digits(0), TENTH = digits(1);
  function shown(value, kind) {
    if (value === null) return NOTHING;
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value === "string") return value;
    let text = String(Number.isInteger(value) ? value : +value.toPrecision(6));
    if (kind === "share") text = `${(100 * value).toFixed(1)} %`;
    else if (kind === "points") text = `${value < 0 ? "" : "+"}${(100 * value).toFixed(1)}`;
    else if (kind === "count") text = Math.abs(value) < 0.5 ? "0" : WHOLE.format(value);
    else if (kind === "decimal") text = Math.abs(value) >= 1 || value === 0 ? TENTH.format(value) : String(+value.toPrecision(3));
    return text.replace("-", "−");
  }

  /* A table that is in the file as data becomes elements when somebody looks. */
  function build(place) {
    const { columns, rows } = given.tables[place.dataset.table];
    const table = document.createElement("table");
    const choices = Object.fromEntries(columns.map((each, k) => [k, each.choice.split(" ")]).filter(([k]) => columns[k].choice));
    if (Object.keys(choices).length) table.dataset.choices = JSON.stringify(choices);
    const cell = (row, tag, text, isNumber) => {
      const made = row.appendChild(document.createElement(tag));
      made.textContent = text;
      if (isNumber) made.className = "number";
      return made;
    };
    const head = table.createTHead().insertRow();
    for (const column of columns) cell(head, "th", column.label, column.kind !== "text").scope = "col";
    const body = table.createTBody();
    for (const values of rows) {
      const row = body.insertRow();
      values.forEach((value, k) => {
        const { kind, choice } = columns[k];
        const made = cell(row, k ? "td" : "th", choice ? value.replaceAll("-", " ") : shown(value, kind), kind !== "text");
        if (!k) made.scope = "row";
        if (choice || typeof value === "number") made.dataset.value = value;
      });
    }
    place.append(table);
    delete place.dataset.table;
    filterTables();
  }

  function save(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function csv(table) {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const cell = (each) => quoted(each.dataset.value ?? each.querySelector("data")?.value ?? each.textContent.trim());
    return [...table.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(cell).join(",")).join("\n") + "\n";
  }

  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", () => {
      const place = details.querySelector("[data-table]");
      if (place && details.open) build(place);
    });
  }
  for (const place of document.querySelectorAll("section > [data-table]")) build(place);

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-save]");
    if (!button) return;
    const section = button.closest("section");
    const place = section.querySelector("[data-table]");
    if (place) build(place);
    if (button.dataset.save === "csv") save(`${section.id}.csv`, "text/csv", csv(section.querySelector("table")));
    else {
      const view = views.get(section.querySelector("[data-picture]"));
      if (view) save(`${section.id}.svg`, "image/svg+xml", await view.toSVG());
    }
  });

  const theme = document.getElementById("theme");
  const isDark = () => (document.documentElement.dataset.theme
    || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const named = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = isDark() ? "light" : "dark"; named(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", named);
  named();

  /* On paper every table that is open is whole; the pictures shrink with their frame. */
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 150); });
  for (const select of selects) select.addEventListener("change", choose);
  for (const select of selects) chosen[select.dataset.choice] = select.value;
  filterTables();
  drawAll();
  window.quotalab = { shown, views }; /* for whoever looks in from outside */
})();
