"use strict";
// Everything below adds to a page that is complete without it.
(() => {
  const $ = (selector, inside = document) => inside.querySelector(selector);
  const data = (id) => { const held = document.getElementById(id); return held && JSON.parse(held.textContent); };
  const make = (tag, text, parent) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };

  // ---------------------------------------------------------------- light and dark
  const root = document.documentElement;
  const button = $("#theme");
  const stored = { // a page in a file may not be allowed to keep anything
    get() { try { return localStorage.getItem("hpq-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("hpq-theme", value); } catch { /* then it is not kept */ } },
  };
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Show the page ${isDark() ? "light" : "dark"}`); };
  if (["light", "dark"].includes(stored.get())) root.dataset.theme = stored.get();
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; stored.set(root.dataset.theme); label(); });
  label();

  // ---------------------------------------------------------------- what is folded is printed
  addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });

  // ---------------------------------------------------------------- copying
  const copy = async (text, from) => {
    const before = from.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", "", document.body);
      area.value = text;
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    from.textContent = "Copied";
    setTimeout(() => { from.textContent = before; }, 1200);
  };
  for (const each of document.querySelectorAll("button[data-copy]")) {
    each.hidden = false;
    each.addEventListener("click", () => copy($(each.dataset.copy).textContent.trim(), each));
  }

  // ---------------------------------------------------------------- accuracy against cost
  const front = data("pareto");
  if (front) {
    const plot = $("#plot"), cursor = $("#cursor"), tip = $("#tip"), panel = $("#pinned");
    const order = front.points.map((_, index) => index).sort((a, b) => front.points[a].x - front.points[b].x);
    const stops = order.filter((index) => front.points[index].role !== "measured");
    let shown = front.points.length - 1;
    const named = { measured: "measured", uniform: "one width everywhere", front: "on the Pareto front", chosen: "chosen", closest: "closest to the limits" };
    const head = (point) => `${front.cost} ${point.cost}, ${point.score}, drop ${point.drop}`;
    const plain = (text) => (/^[A-Za-z_][\w.]*$/.test(text) ? text : JSON.stringify(text));

    // {layer: {weight: 4, activation: 5}} of a point
    const widthsOf = (point) => {
      const layers = new Map();
      point.widths.split(" ").forEach((width, index) => {
        const name = front.variables[index] || "";
        const at = name.lastIndexOf(".");
        if (at < 0 || width === "-") return;
        const layer = name.slice(0, at);
        if (!layers.has(layer)) layers.set(layer, new Map());
        layers.get(layer).set(name.slice(at + 1), width);
      });
      return layers;
    };
    const yaml = (point) => {
      const value = (text) => (/^\w+$/.test(text) ? text : JSON.stringify(text));
      const lines = [...widthsOf(point)].map(([layer, own]) => `    ${plain(layer)}: {${[...own].map(([part, width]) => `${part}: ${value(width)}`).join(", ")}}`);
      return ["precision:", "  layers:", ...lines, ""].join("\n");
    };

    const mark = (index) => {
      const point = front.points[index];
      cursor.setAttribute("cx", `${point.x}%`);
      cursor.setAttribute("cy", `${point.y}%`);
      cursor.setAttribute("visibility", "visible");
      tip.textContent = `${head(point)} (${named[point.role]})`;
      tip.hidden = false;
      const box = plot.getBoundingClientRect();
      const x = (point.x / 100) * box.width, y = (point.y / 100) * box.height;
      tip.style.left = `${Math.max(-50, Math.min(x + 14, box.width - tip.offsetWidth))}px`;
      tip.style.top = `${y > 54 ? y - 46 : y + 16}px`;
    };
    const pin = (index) => {
      const point = front.points[index];
      shown = index;
      mark(index);
      panel.replaceChildren();
      make("h3", `Pinned: ${named[point.role]}`, panel);
      const figures = make("dl", "", panel);
      const add = (name, value) => { make("dt", name, figures); make("dd", value, figures); };
      add(front.quality, point.score);
      add("drop", point.drop);
      add(front.cost, point.cost);
      if (point.row) add("row of the front", String(point.row));
      const scroll = make("div", "", panel);
      scroll.className = "scroll";
      scroll.tabIndex = 0;
      scroll.setAttribute("role", "region");
      scroll.setAttribute("aria-label", "Bits of its precision");
      const table = make("table", "", scroll);
      const caption = make("caption", "Bits of its precision", table);
      caption.className = "unseen";
      const top = make("tr", "", make("thead", "", table));
      for (const title of ["layer", "weights", "output"]) make("th", title, top).scope = "col";
      const body = make("tbody", "", table);
      for (const [layer, own] of widthsOf(point)) {
        const row = make("tr", "", body);
        make("th", layer, row).scope = "row";
        make("td", own.get("weight") || "-", row);
        make("td", [own.get("activation"), own.get("rounding")].filter(Boolean).join(" ") || "-", row);
      }
      const copier = make("button", "Copy precision", panel);
      copier.type = "button";
      copier.addEventListener("click", () => copy(yaml(point), copier));
    };
    const nearest = (event) => {
      const box = plot.getBoundingClientRect();
      const x = event.clientX - box.left, y = event.clientY - box.top;
      let best = 0, least = Infinity;
      front.points.forEach((point, index) => {
        const dx = (point.x / 100) * box.width - x, dy = (point.y / 100) * box.height - y;
        const far = dx * dx + dy * dy;
        if (far <= least) { least = far; best = index; }
      });
      return best;
    };
    plot.addEventListener("pointermove", (event) => mark(nearest(event)));
    plot.addEventListener("pointerleave", () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); });
    plot.addEventListener("click", (event) => pin(nearest(event)));
    plot.addEventListener("keydown", (event) => {
      const among = event.shiftKey ? order : stops;
      const at = Math.max(0, among.indexOf(shown));
      const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: among.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      pin(among[Math.max(0, Math.min(among.length - 1, to))]);
    });
    plot.addEventListener("blur", () => { tip.hidden = true; });
    pin(shown);
    tip.hidden = true;
    cursor.setAttribute("visibility", "hidden");
  }

  // ---------------------------------------------------------------- dataflow
  for (const flow of document.querySelectorAll(".flow")) {
    const kernels = JSON.parse($("script", flow).textContent);
    const panel = $(".panel", flow), boxes = [...flow.querySelectorAll(".kernel")];
    const show = (box) => {
      for (const each of boxes) each.setAttribute("aria-pressed", String(each === box));
      const held = kernels[boxes.indexOf(box)];
      panel.replaceChildren();
      make("h3", held.name, panel);
      const rows = make("dl", "", panel);
      for (const [name, value] of held.rows) { make("dt", name, rows); make("dd", value, rows); }
    };
    boxes.forEach((box, index) => {
      box.setAttribute("role", "button");
      box.setAttribute("tabindex", index ? "-1" : "0");
      box.addEventListener("click", () => { show(box); });
      box.addEventListener("focus", () => show(box));
      box.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(box); }
        if (step === undefined) return;
        event.preventDefault();
        const next = boxes[Math.max(0, Math.min(boxes.length - 1, index + step))];
        for (const each of boxes) each.setAttribute("tabindex", each === next ? "0" : "-1");
        next.focus();
      });
    });
    const canvas = $(".canvas", flow);
    canvas.scrollLeft = (canvas.scrollWidth - canvas.clientWidth) / 2;
    const busiest = boxes.find((box) => box.classList.contains("slowest")) || boxes[0];
    if (busiest) show(busiest);
  }
})();
