// A screen of cells in the page: draws what the console writes, sends what is keyed. Nothing it receives becomes markup.
"use strict";

const BASIC = ["#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa",
               "#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff"];
const INK = "#d8dee4", PAPER = "#101418";
const WIDE = [[0x1100, 0x115f], [0x2e80, 0x303e], [0x3041, 0xa4cf], [0xac00, 0xd7a3], [0xf900, 0xfaff],
              [0xfe30, 0xfe6f], [0xff00, 0xff60], [0xffe0, 0xffe6], [0x1f300, 0x1f64f], [0x1f900, 0x1f9ff],
              [0x20000, 0x3fffd]];
const NAMED = {ArrowUp: "\x1b[A", ArrowDown: "\x1b[B", ArrowRight: "\x1b[C", ArrowLeft: "\x1b[D", Home: "\x1b[H",
               End: "\x1b[F", PageUp: "\x1b[5~", PageDown: "\x1b[6~", Insert: "\x1b[2~", Delete: "\x1b[3~",
               Enter: "\r", Escape: "\x1b", Backspace: "\x7f", Tab: "\t",
               F1: "\x1bOP", F2: "\x1bOQ", F3: "\x1bOR", F4: "\x1bOS", F5: "\x1b[15~", F6: "\x1b[17~",
               F7: "\x1b[18~", F8: "\x1b[19~", F9: "\x1b[20~", F10: "\x1b[21~", F11: "\x1b[23~", F12: "\x1b[24~"};

function widthOf(point) {
  if (point < 0x300) return 1;
  if ((point >= 0x300 && point <= 0x36f) || point === 0x200b) return 0;
  return WIDE.some(([low, high]) => point >= low && point <= high) ? 2 : 1;
}

function colour256(n) {
  if (n < 16) return BASIC[n];
  if (n > 231) { const grey = 8 + 10 * (n - 232); return `rgb(${grey},${grey},${grey})`; }
  const part = (v) => (v ? 55 + 40 * v : 0);
  return `rgb(${part(Math.floor((n - 16) / 36))},${part(Math.floor((n - 16) / 6) % 6)},${part((n - 16) % 6)})`;
}

class Cells {
  constructor(columns, rows) { this.plain = {fg: "", bg: "", flags: 0}; this.pen = this.plain; this.resize(columns, rows); }

  resize(columns, rows) {
    this.columns = columns; this.rows = rows; this.x = 0; this.y = 0;
    this.lines = Array.from({length: rows}, () => this.blank());
    this.dirty = new Set(this.lines.keys());
  }

  blank() { return Array.from({length: this.columns}, () => ({text: " ", width: 1, pen: this.pen || this.plain})); }

  put(text, width) {
    if (width === 0 || this.y >= this.rows || this.x + width > this.columns) return;
    const line = this.lines[this.y];
    line[this.x] = {text, width, pen: this.pen};
    if (width === 2) line[this.x + 1] = {text: "", width: 0, pen: this.pen};
    this.dirty.add(this.y);
    this.x += width;
  }

  erase(from, to, y) {
    for (let x = from; x < to; x++) this.lines[y][x] = {text: " ", width: 1, pen: this.pen};
    this.dirty.add(y);
  }

  sgr(values) {
    let {fg, bg, flags} = this.pen;
    for (let i = 0; i < values.length; i++) {
      const v = values[i];
      if (v === 0) { fg = ""; bg = ""; flags = 0; }
      else if (v >= 1 && v <= 9) flags |= 1 << v;
      else if (v === 22) flags &= ~((1 << 1) | (1 << 2));
      else if (v >= 23 && v <= 29) flags &= ~(1 << (v - 20));
      else if (v >= 30 && v <= 37) fg = BASIC[v - 30];
      else if (v >= 90 && v <= 97) fg = BASIC[v - 82];
      else if (v >= 40 && v <= 47) bg = BASIC[v - 40];
      else if (v >= 100 && v <= 107) bg = BASIC[v - 92];
      else if (v === 39) fg = "";
      else if (v === 49) bg = "";
      else if (v === 38 || v === 48) {
        let found = "";
        if (values[i + 1] === 2) {
          found = `rgb(${values.slice(i + 2, i + 5).map((each) => each & 255).join(",")})`; i += 4;
        } else if (values[i + 1] === 5) { found = colour256(values[i + 2] & 255); i += 2; }
        if (v === 38) fg = found; else bg = found;
      }
    }
    this.pen = {fg, bg, flags};
  }

  csi(body, final) {
    const mark = /^[?<>=]/.test(body);
    const values = body.replace(/^[?<>=]/, "").split(/[;:]/).map((each) => parseInt(each, 10) || 0);
    const at = Math.min(this.y, this.rows - 1);
    if (final === "m" && !mark) this.sgr(values);
    else if (final === "H" || final === "f") {
      this.y = Math.min(Math.max(values[0], 1), this.rows) - 1; this.x = Math.min(Math.max(values[1] || 1, 1), this.columns) - 1;
    } else if (final === "J") for (let y = 0; y < this.rows; y++) this.erase(0, this.columns, y);
    else if (final === "K") this.erase(Math.min(this.x, this.columns), this.columns, at);
    else if (final === "h" && body === "?1049") this.resize(this.columns, this.rows);
  }

  write(text) {
    this.rest = (this.rest || "") + text;
    const data = this.rest;
    let i = 0;
    while (i < data.length) {
      if (data[i] === "\x1b") {
        const whole = /^\x1b(?:\[([0-9;:<=>?]*)[ -\/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -\/]*[0-Z\\^-~])/.exec(data.slice(i, i + 4096));
        if (!whole) { if (data.length - i < 4096) break; i++; continue; }
        if (whole[2]) this.csi(whole[1], whole[2]);
        i += whole[0].length;
      } else if (data[i] === "\n") { this.y = Math.min(this.y + 1, this.rows - 1); this.x = 0; i++; }
      else if (data[i] === "\r") { this.x = 0; i++; }
      else {
        const point = data.codePointAt(i), one = String.fromCodePoint(point);
        if (point >= 32 && point !== 127) this.put(one, widthOf(point));
        i += one.length;
      }
    }
    this.rest = data.slice(i);
  }
}

class View {
  constructor(box) {
    this.box = box;
    const probe = document.createElement("span");
    probe.id = "probe"; probe.textContent = "M".repeat(100);
    box.append(probe);
    this.cellWidth = probe.getBoundingClientRect().width / 100;
    this.cellHeight = 20;
    probe.remove();
  }

  size() {
    return [Math.max(20, Math.min(400, Math.floor(window.innerWidth / this.cellWidth))),
            Math.max(8, Math.min(200, Math.floor(window.innerHeight / this.cellHeight)))];
  }

  draw(cells) {
    while (this.box.children.length > cells.rows) this.box.lastChild.remove();
    while (this.box.children.length < cells.rows) {
      const row = document.createElement("div"); row.className = "row"; this.box.append(row);
    }
    for (const y of cells.dirty) if (y < cells.rows) this.box.children[y].replaceChildren(...this.spans(cells.lines[y]));
    cells.dirty.clear();
  }

  spans(line) {
    const made = [];
    let run = null;
    for (const cell of line) {
      if (cell.width === 0) continue;
      const joins = run && cell.width === 1 && run.width1 && run.pen === cell.pen;
      if (joins) { run.text += cell.text; run.count += 1; continue; }
      run = {text: cell.text, count: cell.width, width1: cell.width === 1, pen: cell.pen};
      made.push(run);
    }
    return made.map((each) => this.span(each));
  }

  span({text, count, pen}) {
    const span = document.createElement("span"), style = span.style, has = (bit) => pen.flags & (1 << bit);
    span.textContent = text;
    let fg = pen.fg || INK, bg = pen.bg || PAPER;
    if (has(7)) [fg, bg] = [bg, fg];
    style.width = `${count * this.cellWidth}px`; style.color = fg; style.backgroundColor = bg;
    if (has(1)) style.fontWeight = "bold";
    if (has(2)) style.opacity = "0.7";
    if (has(3)) style.fontStyle = "italic";
    if (has(4)) style.textDecoration = "underline";
    return span;
  }
}

function keyed(event) {
  if (event.isComposing) return "";
  if (event.ctrlKey && !event.altKey && event.key.length === 1) {
    const code = event.key.toUpperCase().charCodeAt(0);
    return code >= 64 && code <= 95 ? String.fromCharCode(code - 64) : "";
  }
  if (event.key === "Tab" && event.shiftKey) return "\x1b[Z";
  return NAMED[event.key] || "";
}

function open(token) {
  const said = document.getElementById("said"), box = document.getElementById("screen"), keys = document.getElementById("keys");
  const form = document.getElementById("login");
  said.textContent = "…";
  box.hidden = false; keys.hidden = false;
  const view = new View(box), cells = new Cells(...view.size());
  box.hidden = true;
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/session`);
  const decoder = new TextDecoder();
  const send = (message) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)); };
  let due = false, opened = false;
  const draw = () => { due = false; view.draw(cells); };
  socket.binaryType = "arraybuffer";
  socket.onopen = () => send({login: token, columns: cells.columns, rows: cells.rows});
  socket.onmessage = ({data}) => {
    if (typeof data === "string") { said.textContent = data; return; }
    if (!opened) { opened = true; form.hidden = true; box.hidden = false; keys.focus(); }
    cells.write(decoder.decode(data, {stream: true}));
    if (!due) { due = true; requestAnimationFrame(draw); }
  };
  socket.onclose = () => {
    form.hidden = false; box.hidden = true; keys.hidden = true;
    if (opened) said.textContent = "The session has ended. · 会话已结束。";
    else if (said.textContent === "…") said.textContent = "The console does not answer. · 控制台没有应答。";
  };
  keys.onkeydown = (event) => {
    const sequence = keyed(event);
    if (sequence) { event.preventDefault(); send({keys: sequence}); }
  };
  keys.oninput = (event) => { if (!event.isComposing && keys.value) { send({keys: keys.value}); keys.value = ""; } };
  keys.oncompositionend = () => { if (keys.value) { send({keys: keys.value}); keys.value = ""; } };
  box.onmouseup = (event) => {
    const selected = String(window.getSelection());
    keys.focus({preventScroll: true});
    if (selected) return;
    const x = Math.floor(event.clientX / view.cellWidth) + 1, y = Math.floor(event.clientY / view.cellHeight) + 1;
    send({keys: `\x1b[<0;${x};${y}M\x1b[<0;${x};${y}m`});
  };
  box.onwheel = (event) => {
    const x = Math.floor(event.clientX / view.cellWidth) + 1, y = Math.floor(event.clientY / view.cellHeight) + 1;
    send({keys: `\x1b[<${event.deltaY < 0 ? 64 : 65};${x};${y}M`});
  };
  window.onresize = () => {
    const [columns, rows] = view.size();
    if (columns === cells.columns && rows === cells.rows) return;
    cells.resize(columns, rows);
    send({columns, rows});
  };
}

document.getElementById("login").onsubmit = (event) => {
  event.preventDefault();
  const field = document.getElementById("token");
  open(field.value);
  field.value = "";
};
