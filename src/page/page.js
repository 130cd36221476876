// The page of `epitome export --format html` and of `epitome ui`. No library, no network except the server that sent a
// live page. Text of the repository becomes text nodes and never markup.
"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const FRESHNESS = ["fresh", "stale", "pending", "failed", "off"];
  const ROW = 26;
  const number = (n) => n.toLocaleString("en");
  const plural = (n, one, many = one + "s") => `${number(n)} ${n === 1 ? one : many}`;
  const size = (n) => (n < 1024 ? `${n} B` : n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`);

  // An element with attributes and children; a string child is text.
  // Characters that reorder or hide what a name shows.
  const hidden = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;
  const plain = (value) => (typeof value === "string" ? value.replace(hidden, "\ufffd") : value);

  const el = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "onclick") element.addEventListener("click", value);
      else if (value !== undefined && value !== null) element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== "").map(plain));
    return element;
  };

  // Running text with `code` spans.
  const prose = (text) =>
    text.split(/`([^`\n]+)`/).map((part, at) => (at % 2 ? el("code", {}, part) : part)).filter((part) => part !== "");

  // ---- data

  let data = null;
  let nodes = [];
  let byPath = new Map();
  let live = null;

  const decompress = async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  // Builds the nodes: each knows its parent, children and path, and what a search looks at in lower case.
  const build = (loaded) => {
    data = loaded;
    nodes = [];
    byPath = new Map();
    for (const row of data.nodes) {
      const [parent, name, flags, summary, lineLength, a, b, error, elements, day] = row;
      const folder = (flags & 8) !== 0;
      const up = parent < 0 ? null : nodes[parent];
      const node = {
        index: nodes.length, up, name, folder, children: [], freshness: FRESHNESS[flags & 7], draft: (flags & 16) !== 0,
        summary: summary || "", line: (summary || "").slice(0, lineLength), error: error || null, low: name.toLowerCase(),
        depth: up ? up.depth + 1 : 0, path: !up ? "" : up.path ? `${up.path}/${name}` : name,
        files: folder ? a : 1, folders: folder ? b : 0, language: folder || !a ? null : data.languages[a - 1], bytes: folder ? 0 : b,
        raw: elements || [], elements: null, day: day || null,
      };
      nodes.push(node);
      byPath.set(node.path, node);
      if (up) up.children.push(node);
    }
    for (const node of nodes) {
      node.children.sort((x, y) => y.folder - x.folder || (x.name < y.name ? -1 : 1));
    }
    for (let at = nodes.length - 1; at > 0; at--) nodes[at].up.bytes += nodes[at].bytes;
    searchable = null;
    // Prepared while nothing else happens, so that the first search is as quick as the others.
    (window.requestIdleCallback || setTimeout)(() => { if (!searchable) prepare(); });
  };

  // The definitions of a file, nested by their lines.
  const elementsOf = (node) => {
    if (node.elements) return node.elements;
    const open = [];
    node.elements = node.raw.map(([kind, name, signature, start, end, doc]) => {
      while (open.length && open[open.length - 1].end < start) open.pop();
      const up = open[open.length - 1] || null;
      const element = { kind: data.kinds[kind], name, signature: signature || `${data.kinds[kind]} ${name}`, start, end, doc: doc || "", up,
        qualified: up ? `${up.qualified}.${name}` : name, inner: [] };
      if (up) up.inner.push(element);
      open.push(element);
      return element;
    });
    return node.elements;
  };

  // ---- search

  let searchable = null;
  const prepare = () => {
    searchable = [];
    for (const node of nodes) {
      const test = /(^|\/)(tests?|testing|__tests__|fixtures|examples?|docs?)(\/|$)|(^|\/)test_|[._-](test|spec)\./i.test(node.path);
      const where = node.path.toLowerCase();
      searchable.push({ node, element: null, name: node.low, path: where, where, nested: 0, text: node.summary.toLowerCase(), weight: test ? 0.4 : 1 });
      for (const element of elementsOf(node)) {
        searchable.push({ node, element, name: element.name.toLowerCase(), path: element.qualified.toLowerCase(), where, nested: element.up ? 1 : 0, text: element.doc.toLowerCase(), weight: test ? 0.4 : 1 });
      }
    }
  };

  // The best hits: exact names, then beginnings of names, then parts of names and paths, then summaries. All words must
  // match somewhere.
  const search = (query, limit) => {
    if (!searchable) prepare();
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const wantsTests = words.some((word) => word.startsWith("test") || word.startsWith("doc") || word.startsWith("example"));
    const hits = [];
    for (const entry of searchable) {
      let score = 0;
      for (const word of words) {
        let best = 0;
        if (entry.name === word || entry.path === word) best = entry.element ? 12 : 11;
        else if (entry.name.startsWith(word)) best = 6;
        else if (entry.name.includes(word)) best = 4;
        else if (entry.path.includes(word) || entry.where.includes(word)) best = 3;
        else if (entry.text.includes(word)) best = 2;
        if (!best) { score = 0; break; }
        score += best;
      }
      if (!score) continue;
      score *= wantsTests ? 1 : entry.weight;
      hits.push([score - entry.nested * 0.3 - entry.node.depth * 0.05 - entry.name.length * 0.01, entry]);
    }
    hits.sort((a, b) => b[0] - a[0]);
    return [hits.slice(0, limit).map((hit) => hit[1]), hits.length];
  };

  // The text with the words marked.
  const marked = (text, words) => {
    const safe = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).filter(Boolean);
    if (!safe.length) return [text];
    const parts = text.split(new RegExp(`(${safe.join("|")})`, "i"));
    return parts.map((part, at) => (at % 2 ? el("mark", {}, part) : part)).filter((part) => part !== "");
  };

  // ---- tree: only the visible rows exist

  const expanded = new Set([0]);
  let visible = [];
  let selected = null;
  let cursor = 0;

  // The nodes that have a row.
  const list = () => {
    visible = [];
    const walk = (node) => {
      for (const child of node.children) {
        visible.push(child);
        if (child.folder && expanded.has(child.path)) walk(child);
      }
    };
    if (nodes.length) walk(nodes[0]);
    $("rows").style.height = `${visible.length * ROW}px`;
  };

  const flatten = () => {
    list();
    draw();
  };

  const draw = () => {
    const tree = $("tree");
    const first = Math.max(0, Math.floor(tree.scrollTop / ROW) - 10);
    const last = Math.min(visible.length, Math.ceil((tree.scrollTop + tree.clientHeight) / ROW) + 10);
    const rows = [];
    for (let at = first; at < last; at++) {
      const node = visible[at];
      const open = node.folder && expanded.has(node.path);
      const row = el("div", { class: `row${node === selected ? " here" : ""}`, role: "treeitem", "aria-level": node.depth, id: `row-${node.index}`,
        "aria-selected": node === selected, "aria-expanded": node.folder ? open : undefined, title: node.line },
        el("span", { class: "twist" }, node.folder ? (open ? "▾" : "▸") : ""),
        node.freshness === "fresh" || node.freshness === "off" ? null : el("span", { class: `dot ${node.freshness}`, title: node.freshness }),
        el("span", { class: `name${node.folder ? " folder" : ""}` }, node.name),
        el("span", { class: "line" }, node.line.replaceAll("`", "")));
      row.style.top = `${at * ROW}px`;
      row.style.paddingLeft = `${0.3 + (node.depth - 1) * 0.9}rem`;
      row.addEventListener("click", (event) => {
        if (node.folder && (event.target.classList.contains("twist") || node === selected)) toggle(node);
        else go(node);
      });
      rows.push(row);
    }
    $("rows").replaceChildren(...rows);
    if (selected) tree.setAttribute("aria-activedescendant", `row-${selected.index}`);
  };

  const toggle = (node, open = !expanded.has(node.path)) => {
    if (open) expanded.add(node.path); else expanded.delete(node.path);
    flatten();
  };

  // Opens the folders above a node and scrolls to it.
  const reveal = (node) => {
    for (let up = node.up; up; up = up.up) expanded.add(up.path);
    if (node.folder) expanded.add(node.path);
    list();
    cursor = Math.max(0, visible.indexOf(node));
    const tree = $("tree");
    const top = cursor * ROW;
    if (top < tree.scrollTop || top > tree.scrollTop + tree.clientHeight - ROW) tree.scrollTop = Math.max(0, top - tree.clientHeight / 3);
    draw();
  };

  // ---- addresses: #path, #path@line, #?query, #!treemap/path, #!activity

  const href = (node, line) => "#" + node.path.split("/").map(encodeURIComponent).join("/") + (line ? `@${line}` : "");
  const go = (node, line) => { location.hash = href(node, line); if (href(node, line) === "#") route(); };
  const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

  const route = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("?")) return results(decode(hash.slice(1)));
    if (hash.startsWith("!treemap")) return treemap(byPath.get(decode(hash.slice(9))) || nodes[0]);
    if (hash === "!activity" && live) return activity();
    const [, path, line] = /^(.*?)(?:@(\d+))?$/.exec(hash);
    const node = byPath.get(decode(path)) || byPath.get(decode(hash));
    if (!node) return $("main").replaceChildren(el("h1", {}, "Not found"), el("p", {}, `There is no ${decode(path)} in this export.`));
    show(node, line ? Number(line) : null);
  };

  // ---- one file or folder

  const source = (node, line) => {
    if (!data.source) return null;
    const path = node.path.split("/").map(encodeURIComponent).join("/");
    const address = data.source.replaceAll("{path}", path).replaceAll("{revision}", data.revision || "HEAD").replaceAll("{line}", String(line || 1));
    return /^(https?|vscode|idea|file):/.test(address) ? address : null;
  };

  const crumbs = (node) => {
    const parts = [];
    for (let up = node.up; up; up = up.up) parts.unshift(el("a", { href: href(up) }, up.up ? up.name : data.name), " / ");
    return el("div", { class: "crumbs" }, ...parts);
  };

  const copy = (text) => {
    const button = el("button", { onclick: async () => {
      try { await navigator.clipboard.writeText(text); button.textContent = "copied"; }
      catch { button.textContent = text; }
    } }, "copy path");
    return button;
  };

  const pills = (node) => {
    const address = source(node);
    const freshness = node.draft ? `${node.freshness} · draft` : node.freshness;
    return el("div", { class: "pills" },
      el("span", { class: `pill ${node.freshness}` }, freshness),
      node.language ? el("span", { class: "pill" }, node.language) : null,
      el("span", { class: "pill" }, size(node.bytes)),
      node.folder ? el("span", { class: "pill" }, `${plural(node.files, "file")}, ${plural(node.folders, "folder")}`) : null,
      node.path ? copy(node.path) : null,
      address ? el("a", { class: "pill", href: address, rel: "noreferrer" }, "source") : null,
      node.folder ? el("a", { class: "pill", href: `#!treemap/${node.path.split("/").map(encodeURIComponent).join("/")}` }, "treemap") : null);
  };

  const definition = (node, element, line) => {
    const address = source(node, element.start);
    const place = element.start === element.end ? `${element.start}` : `${element.start}–${element.end}`;
    return el("div", { class: `def${element.start === line ? " target" : ""}`, id: `L${element.start}` },
      el("div", { class: "what" }, el("code", {}, element.signature), element.doc ? el("div", { class: "doc" }, ...prose(element.doc)) : null),
      el("a", { class: "at", href: address || href(node, element.start), rel: "noreferrer" }, place));
  };

  const outline = (node, elements, line) => elements.map((element) => {
    if (!element.inner.length) return definition(node, element, line);
    const summary = el("summary", {}, definition(node, element, line));
    summary.firstChild.style.display = "inline-flex";
    summary.firstChild.style.width = "calc(100% - 1.2rem)";
    summary.firstChild.style.verticalAlign = "top";
    return el("details", { open: "" }, summary, el("div", { class: "inner" }, ...outline(node, element.inner, line)));
  });

  const show = (node, line) => {
    selected = node;
    document.title = node.path ? `${node.name} · ${data.name}` : data.name;
    const parts = [crumbs(node), el("h1", {}, node.path ? node.name + (node.folder ? "/" : "") : data.name), pills(node)];
    if (node.error) parts.push(el("p", { class: "error" }, node.error));
    if (node.summary) parts.push(el("p", { class: "summary" }, ...prose(node.summary)));
    if (node.folder && node.children.length) {
      parts.push(el("table", {}, ...node.children.map((child) => el("tr", {},
        el("td", {}, child.freshness === "fresh" || child.freshness === "off" ? null : el("span", { class: `dot ${child.freshness}`, title: child.freshness }), " ",
          el("a", { href: href(child) }, child.name + (child.folder ? "/" : ""))),
        el("td", {}, ...prose(child.line)),
        el("td", { class: "number" }, child.folder ? plural(child.files, "file") : size(child.bytes))))));
    }
    const elements = elementsOf(node);
    if (elements.length) {
      parts.push(el("h2", {}, plural(elements.length, "definition")));
      parts.push(el("div", { class: "outline" }, ...outline(node, elements.filter((one) => !one.up), line)));
    }
    $("main").replaceChildren(...parts);
    $("main").scrollTop = 0;
    reveal(node);
    const target = line && document.querySelector(".def.target");
    if (target) target.scrollIntoView({ block: "center" });
  };

  // ---- results

  let hits = [];
  let hitAt = 0;
  const results = (query) => {
    if ($("query").value !== query) $("query").value = query;
    const begin = performance.now();
    const words = query.split(/\s+/).filter(Boolean);
    const [found, total] = words.length ? search(query, 60) : [[], 0];
    hits = found;
    hitAt = 0;
    const took = performance.now() - begin;
    const list = found.map(({ node, element }) => el("a", { class: "hit", href: href(node, element && element.start) },
      el("div", { class: "where code" }, ...marked(node.path || data.name, words), element ? `:${element.start}  ` : "", ...(element ? marked(element.qualified, words) : [])),
      el("div", { class: "line" }, ...marked((element ? element.doc || element.signature : node.line).replaceAll("`", ""), words))));
    const head = words.length ? (total ? `${number(total)} matches${total > found.length ? `, the best ${found.length}` : ""}` : "No matches. Try fewer or different words.") : "Type to search";
    document.title = `${query} · ${data.name}`;
    $("main").replaceChildren(el("p", { class: "crumbs", id: "count", "data-ms": took.toFixed(1) }, head), ...list);
    $("main").scrollTop = 0;
    point(0);
  };

  const point = (at) => {
    const all = document.querySelectorAll(".hit");
    if (!all.length) return;
    hitAt = Math.min(Math.max(at, 0), all.length - 1);
    all.forEach((hit, index) => hit.classList.toggle("here", index === hitAt));
    all[hitAt].scrollIntoView({ block: "nearest" });
  };

  // ---- treemap: squarified, two levels

  let colouring = "language";
  // Languages in the order of their first file, a golden angle apart.
  const hue = (language) => (200 + data.languages.indexOf(language) * 137.5) % 360;
  const COLOURS = { fresh: "#7ccf8c", stale: "#e9c46a", pending: "#f0dc9a", failed: "#f28b82", off: "#b6bec7", other: "#b6bec7",
    today: "#f28b5b", "this week": "#f2b05b", "this month": "#ead37a", "this year": "#a9cf9a", older: "#8fb3d9", unknown: "#b6bec7" };
  const AGES = [[1, "today"], [7, "this week"], [31, "this month"], [366, "this year"], [Infinity, "older"]];
  // What a file is counted as, by each way of colouring. Days are counted from 1970.
  const today = Math.floor(Date.now() / 8.64e7);
  const KEYS = {
    language: (node) => node.language || "other",
    freshness: (node) => node.freshness,
    age: (node) => (node.day === null ? "unknown" : AGES.find(([days]) => today - node.day < days)[1]),
  };
  const colourOf = (key) => COLOURS[key] || `hsl(${hue(key)} 55% 72%)`;

  // Rectangles for `items` (with `.bytes`) in the box, after Bruls, Huizing and van Wijk.
  const squarify = (items, x, y, w, h) => {
    const boxes = [];
    let rest = items.filter((item) => item.bytes > 0).sort((a, b) => b.bytes - a.bytes);
    let total = rest.reduce((sum, item) => sum + item.bytes, 0);
    while (rest.length && w > 0 && h > 0) {
      const side = Math.min(w, h);
      const scale = (w * h) / total;
      let row = [];
      let area = 0;
      let worst = Infinity;
      for (const item of rest) {
        const next = area + item.bytes * scale;
        const largest = (row[0] || item).bytes * scale;
        const ratio = Math.max((side * side * largest) / (next * next), (next * next) / (side * side * item.bytes * scale));
        if (row.length && ratio > worst) break;
        row.push(item);
        area = next;
        worst = ratio;
      }
      const thick = area / side;
      let at = 0;
      for (const item of row) {
        const long = (item.bytes * scale) / thick;
        boxes.push(w >= h ? { item, x, y: y + at, w: thick, h: long } : { item, x: x + at, y, w: long, h: thick });
        at += long;
      }
      if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
      total -= row.reduce((sum, item) => sum + item.bytes, 0);
      rest = rest.slice(row.length);
    }
    return boxes;
  };

  const treemap = (node) => {
    selected = node;
    document.title = `Treemap · ${data.name}`;
    const area = el("div", { id: "treemap" });
    const modes = Object.keys(KEYS).map((mode) => el("button", { "aria-pressed": mode === colouring, onclick: () => { colouring = mode; treemap(node); } }, mode));
    const legend = el("div", { class: "legend" });
    $("main").replaceChildren(crumbs(node), el("h1", {}, `${node.path ? node.name : data.name}/`),
      el("div", { class: "pills" }, "size by bytes, colour by ", ...modes, el("a", { class: "pill", href: href(node) }, "summary")), area, legend);
    const place = (box, depth) => {
      if (box.w < 3 || box.h < 3) return;
      const child = box.item;
      const tile = el("div", { class: child.folder ? "folder" : "", title: `${child.path}\n${size(child.bytes)}\n${child.line}` }, box.w > 30 && box.h > 13 ? child.name : "");
      Object.assign(tile.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${box.w}px`, height: `${box.h}px` });
      if (!child.folder) tile.style.background = colourOf(KEYS[colouring](child));
      tile.addEventListener("click", () => { location.hash = child.folder ? `#!treemap/${child.path.split("/").map(encodeURIComponent).join("/")}` : href(child); });
      area.append(tile);
      if (child.folder && depth > 0 && box.w > 40 && box.h > 32) {
        for (const inner of squarify(child.children, box.x + 2, box.y + 16, box.w - 4, box.h - 18)) place(inner, depth - 1);
      }
    };
    for (const box of squarify(node.children, 0, 0, area.clientWidth, area.clientHeight)) place(box, 3);
    const used = new Map();
    const count = (one) => { if (one.folder) one.children.forEach(count); else { const key = KEYS[colouring](one); used.set(key, (used.get(key) || 0) + one.bytes); } };
    count(node);
    for (const [key, bytes] of [...used].sort((a, b) => b[1] - a[1]).slice(0, 12)) {
      const dot = el("span", { class: "dot" });
      dot.style.background = colourOf(key);
      legend.append(el("span", {}, dot, ` ${key} ${size(bytes)}`));
    }
    reveal(node);
  };

  // ---- header

  const facts = () => {
    const counts = new Map();
    for (const node of nodes) counts.set(node.freshness, (counts.get(node.freshness) || 0) + 1);
    const fresh = FRESHNESS.filter((one) => one !== "fresh" && one !== "off" && counts.get(one)).map((one) => `${number(counts.get(one))} ${one}`);
    const parts = [`${plural(nodes[0].files, "file")}, ${plural(nodes[0].folders, "folder")}`, fresh.length ? fresh.join(", ") : "all fresh", data.models.join(", ")];
    if (data.revision) parts.push(data.revision.slice(0, 10));
    if (!live && data.date) {
      const hours = (Date.now() - Date.parse(data.date)) / 3.6e6;
      parts.push(hours < 24 ? `exported ${data.date.slice(0, 16).replace("T", " ")} UTC` : `exported ${plural(Math.floor(hours / 24), "day")} ago`);
    }
    $("home").textContent = data.name;
    $("facts").textContent = parts.filter(Boolean).join(" · ");
    $("facts").title = $("facts").textContent;
  };

  // ---- live: the same page, served by `epitome ui`

  const changes = [];
  let state = null;
  const getJson = async (address) => {
    const response = await fetch(address, { headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response.json();
  };

  const reload = async () => {
    const before = new Map(nodes.map((node) => [node.path, node]));
    const was = data && data.name;
    const loaded = await getJson(`data?repository=${encodeURIComponent(live.repository)}`);
    const scroll = [$("tree").scrollTop, $("main").scrollTop];
    build(loaded);
    if (was === data.name) {
      for (const node of nodes) {
        const old = before.get(node.path);
        if (old && old.summary && old.summary !== node.summary && node.summary) changes.unshift({ at: new Date(), path: node.path, old: old.summary, now: node.summary });
        else if (!old && node.summary && before.size) changes.unshift({ at: new Date(), path: node.path, old: "", now: node.summary });
      }
      changes.length = Math.min(changes.length, 200);
    }
    facts();
    flatten();
    if (document.activeElement !== $("query") && !location.hash.startsWith("#!treemap")) route();
    [$("tree").scrollTop, $("main").scrollTop] = scroll;
  };

  let timer = null;
  const soon = () => { if (!timer) timer = setTimeout(async () => { timer = null; try { await refresh(); await reload(); } catch (error) { lost(error); } }, 300); };
  const lost = (error) => { $("facts").textContent = `disconnected: ${error.message}`; $("facts").className = "failed"; };

  const refresh = async () => {
    state = await getJson("status");
    const select = $("repositories");
    const paths = state.repositories.map((one) => one.path);
    if (!live.repository || !paths.includes(live.repository)) live.repository = paths[0] || "";
    select.hidden = paths.length < 1;
    select.replaceChildren(...state.repositories.map((one) => el("option", { value: one.path, selected: one.path === live.repository ? "" : null }, `${one.path.split("/").pop()} · ${one.state}`)));
  };

  // The words of `text` that are not in `other`, in <ins> or <del>.
  const differing = (text, other, tag) => {
    const known = new Set(other.split(/\s+/));
    return text.split(/(\s+)/).map((word) => (word.trim() && !known.has(word) ? el(tag, {}, word) : word)).filter((part) => part !== "");
  };

  const activity = () => {
    document.title = `Activity · ${data.name}`;
    const repository = state.repositories.find((one) => one.path === live.repository);
    const parts = [el("h1", {}, "Activity")];
    if (repository) {
      const bar = el("div", { class: "bar" });
      const all = repository.files + repository.directories || 1;
      for (const one of FRESHNESS) {
        const span = el("span", { class: one, title: `${repository[one]} ${one}` });
        span.style.width = `${(100 * repository[one]) / all}%`;
        bar.append(span);
      }
      const left = repository.progress.seconds_left;
      parts.push(el("p", {}, `${repository.state} · ${FRESHNESS.filter((one) => repository[one]).map((one) => `${number(repository[one])} ${one}`).join(", ")}${left ? ` · ${Math.round(left)} s left` : ""}`), bar);
      for (const note of [...state.notes, ...repository.notes]) parts.push(el("p", { class: "error" }, note));
    }
    const today = state.usage[0];
    if (state.model && today) {
      const money = today.cost === null ? "" : ` · cost ${today.cost.toFixed(4)}`;
      parts.push(el("h2", {}, "Usage"), el("p", {}, `${today.day}: ${plural(today.requests, "request")} · ${number(today.prompt_tokens)} input + ${number(today.completion_tokens)} output tokens${money}`));
    }
    if (state.budget) {
      const { budget } = state;
      const limits = [["requests", budget.requests, budget.max_requests], ["tokens", budget.tokens, budget.max_tokens], ["cost", budget.cost, budget.max_cost]];
      parts.push(el("p", {}, `Budget: ${limits.filter(([, , most]) => most > 0).map(([name, used, most]) => `${used} of ${most} ${name}`).join(", ")}${budget.spent ? " · spent" : ""}`));
    }
    const reasons = new Map();
    for (const node of nodes) if (node.error) reasons.set(node.error, [...(reasons.get(node.error) || []), node]);
    if (reasons.size) {
      parts.push(el("h2", {}, "Failures"));
      for (const [reason, failed] of reasons) {
        parts.push(el("p", { class: "error" }, `${plural(failed.length, "file or folder", "files and folders")}: ${reason}`),
          el("p", {}, ...failed.slice(0, 10).flatMap((node) => [el("a", { href: href(node) }, node.path || data.name), "  "])));
      }
    }
    const recent = changes.filter((one) => Date.now() - one.at < 3.6e6);
    parts.push(el("h2", {}, "Changed in the last hour, since this page was opened"));
    if (!recent.length) parts.push(el("p", { class: "crumbs" }, "Nothing yet. Save a file and watch."));
    for (const change of recent) {
      const node = byPath.get(change.path);
      parts.push(el("div", {}, el("span", { class: "crumbs" }, change.at.toTimeString().slice(0, 8), "  "), node ? el("a", { href: href(node) }, change.path || data.name) : change.path),
        el("div", { class: "both" }, el("p", {}, ...differing(change.old, change.now, "del")), el("p", {}, ...differing(change.now, change.old, "ins"))));
    }
    parts.push(el("h2", {}, "Agents"), el("p", {}, el("code", {}, "claude mcp add epitome -- epitome mcp --watch")));
    $("main").replaceChildren(...parts);
  };

  const connect = async () => {
    live = { repository: new URLSearchParams(location.search).get("repository") || "" };
    await refresh();
    build(await getJson(`data?repository=${encodeURIComponent(live.repository)}`));
    $("activity").hidden = false;
    $("repositories").addEventListener("change", async (event) => { live.repository = event.target.value; changes.length = 0; expanded.clear(); location.hash = ""; nodes = []; await reload(); });
    const events = new EventSource("events");
    events.onmessage = soon;
    events.onerror = () => lost(new Error("the daemon or `epitome ui` has ended"));
    setInterval(async () => { try { await refresh(); if (location.hash === "#!activity") activity(); } catch (error) { lost(error); } }, 5000);
  };

  // ---- keys

  document.addEventListener("keydown", (event) => {
    const typing = event.target === $("query");
    if ((event.key === "/" && !typing) || ((event.ctrlKey || event.metaKey) && event.key === "k")) {
      event.preventDefault();
      $("query").focus();
      $("query").select();
      return;
    }
    if (typing) {
      if (event.key === "ArrowDown") { event.preventDefault(); point(hitAt + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); point(hitAt - 1); }
      else if (event.key === "Enter" && hits[hitAt]) { const hit = hits[hitAt]; $("query").blur(); go(hit.node, hit.element && hit.element.start); }
      else if (event.key === "Escape") { $("query").value = ""; $("query").blur(); history.back(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    const node = visible[cursor];
    if (event.key === "t") location.hash = "#!treemap";
    else if (event.key === "a" && live) location.hash = "#!activity";
    else if (event.key === "u" && selected && selected.up) go(selected.up);
    else if (event.target !== $("main") && event.target.tagName !== "A" && node) {
      const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -1e9, End: 1e9 };
      if (event.key in moves) go(visible[Math.min(visible.length - 1, Math.max(0, cursor + moves[event.key]))]);
      else if (event.key === "ArrowRight" && node.folder) toggle(node, true);
      else if (event.key === "ArrowLeft") { if (node.folder && expanded.has(node.path)) toggle(node, false); else if (node.up && node.up.up) go(node.up); }
      else if (event.key === "Enter" && node.folder) toggle(node);
      else return;
      event.preventDefault();
    }
  });

  $("query").addEventListener("input", (event) => {
    const hash = `#?${encodeURIComponent(event.target.value)}`;
    // The first letter makes one entry in the history; the others replace it.
    if (location.hash.startsWith("#?")) history.replaceState(null, "", hash); else history.pushState(null, "", hash);
    results(event.target.value);
  });
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* no storage */ } };
  const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  if (recall("epitome-theme")) document.documentElement.dataset.theme = recall("epitome-theme");
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember("epitome-theme", root.dataset.theme);
  });
  $("menu").addEventListener("click", () => document.body.classList.toggle("wide"));
  $("map").addEventListener("click", () => { location.hash = "#!treemap"; });
  $("activity").addEventListener("click", () => { location.hash = "#!activity"; });
  $("tree").addEventListener("scroll", draw);
  addEventListener("resize", () => { draw(); if (location.hash.startsWith("#!treemap")) route(); });
  addEventListener("hashchange", route);

  try {
    const embedded = $("data").textContent.trim();
    if (embedded) build(await decompress(embedded)); else await connect();
    if (nodes.length) { facts(); route(); if (!visible.length) flatten(); } else $("main").replaceChildren(el("p", {}, "No repository is watched: run `epitome watch` in one."));
  } catch (error) {
    $("main").replaceChildren(el("p", { class: "error" }, `This page could not be opened: ${error.message}`));
  }
  document.documentElement.dataset.ready = performance.now().toFixed(0);
})();
