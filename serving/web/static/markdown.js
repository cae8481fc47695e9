// What a model writes, as elements: a small subset of Markdown. Nothing of it becomes markup, a picture or a link elsewhere:
// only [photo 12] and [summary 3] are links, and they stay in the house.
import { make } from "./dom.js";

const DEPTH = 4; // quotes in quotes, lists in lists
const SPAN = 1000; // characters: how far away the end of **bold** is looked for

const KIND = "(?:photos?|summar(?:y|ies))";
const REFERENCE = `\\[(${KIND} \\d{1,15}(?:(?:[,;] ?(?:and )?| and | & )(?:${KIND} )?\\d{1,15}){0,50})\\]`;
const INLINE = new RegExp(
  [
    `(?<!\`)(?<ticks>\`{1,9})(?!\`)(?<code>[^]{1,${SPAN}}?)(?<!\`)\\k<ticks>(?!\`)`,
    `(?<strong>\\*\\*|__)(?=\\S)(?<bold>[^]{0,${SPAN}}?\\S)\\k<strong>`,
    `(?<![\\w*])\\*(?=[^\\s*])(?<slanted>[^*]{0,${SPAN}}?[^\\s*])\\*(?![\\w*])`,
    `(?<![\\w_])_(?=[^\\s_])(?<underlined>[^_]{0,${SPAN}}?[^\\s_])_(?![\\w_])`,
    `(?<reference>${REFERENCE})`,
    `(?<picture>!?)\\[(?<label>[^\\[\\]]{0,300})\\]\\((?<address>[^()\\s]{1,${SPAN}})\\)`,
  ].join("|"),
  "gi",
);
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/;
const HEADING = /^ {0,3}#{1,6}\s+(.*)$/;
const RULE = /^ {0,3}([-*_])( *\1){2,} *$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const TABLE_LINE = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** A fragment of elements for *text*. */
export function markdown(text) {
  const out = document.createDocumentFragment();
  out.append(...blocks(text.replaceAll("\r\n", "\n").split("\n"), 0));
  return out;
}

/** What an answer refers to, in its order, each once: `[{ kind: "photo" | "summary", id }]`. */
export function mentions(text) {
  const found = new Map();
  for (const [, inside] of text.matchAll(new RegExp(REFERENCE, "gi"))) {
    for (const one of numbersOf(inside)) found.set(`${one.kind} ${one.id}`, { kind: one.kind, id: one.id });
  }
  return [...found.values()];
}

/** "photos 1, 2 and summary 3" as three references. */
function numbersOf(inside) {
  let kind = "photo";
  return [...inside.matchAll(/(photo|summar)?[a-z]* ?(\d+)/gi)].map(([, word, digits]) => {
    if (word) kind = word.toLowerCase() === "photo" ? "photo" : "summary";
    return { kind, id: Number(digits) };
  });
}

function blocks(lines, depth) {
  const out = [];
  let at = 0;
  while (at < lines.length) {
    const [element, next] = block(lines, at, depth);
    if (element) out.push(element);
    at = next;
  }
  return out;
}

/** The block that begins at a line, and the line after it. */
function block(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (FENCE.test(line)) return fenced(lines, at);
  const heading = line.match(HEADING);
  if (heading) return [make("h3", {}, ...inline(heading[1].trim())), at + 1];
  if (RULE.test(line)) return [make("hr"), at + 1];
  if (isTable(lines, at)) return table(lines, at);
  if (depth < DEPTH && QUOTE.test(line)) return quote(lines, at, depth);
  if (depth < DEPTH && ITEM.test(line)) return list(lines, at, depth);
  return paragraph(lines, at, depth);
}

function fenced(lines, at) {
  const mark = lines[at].match(FENCE)[1];
  let end = at + 1;
  while (end < lines.length && !(lines[end].trim().startsWith(mark) && !lines[end].trim().replaceAll(mark[0], ""))) end += 1;
  return [make("pre", { tabindex: 0 }, make("code", {}, lines.slice(at + 1, end).join("\n"))), end + 1];
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inside = lines.slice(at, end).map((line) => line.match(QUOTE)[1]);
  return [make("blockquote", {}, ...blocks(inside, depth + 1)), end];
}

/** Items of one indentation; what is indented further belongs to the item above. */
function list(lines, at, depth) {
  const [, indent, mark] = lines[at].match(ITEM);
  const ordered = /\d/.test(mark);
  const element = make(ordered ? "ol" : "ul", ordered && parseInt(mark, 10) !== 1 ? { start: parseInt(mark, 10) } : {});
  let end = at;
  while (end < lines.length) {
    const item = lines[end].match(ITEM);
    if (!item || item[1].length > indent.length + 1 || /\d/.test(item[2]) !== ordered) break;
    const first = end;
    end += 1;
    while (end < lines.length && belongs(lines, end, indent.length)) end += 1;
    const inside = [item[3], ...lines.slice(first + 1, end).map((line) => line.slice(Math.min(indent.length + 2, leading(line))))];
    element.append(make("li", {}, ...unwrapped(blocks(inside, depth + 1))));
  }
  return [element, end];
}

const leading = (line) => line.length - line.trimStart().length;

function belongs(lines, at, indent) {
  if (!lines[at].trim()) return at + 1 < lines.length && leading(lines[at + 1]) > indent + 1 && Boolean(lines[at + 1].trim());
  return leading(lines[at]) > indent + 1 || (!startsBlock(lines, at) && Boolean(lines[at - 1].trim()));
}

/** An item that is one paragraph stands without it. */
const unwrapped = (parts) => parts.flatMap((part, index) => (index === 0 && part.tagName === "P" ? [...part.childNodes] : [part]));

function paragraph(lines, at, depth) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !startsBlock(lines, end, depth)) end += 1;
  return [make("p", {}, ...inline(lines.slice(at, end).map((line) => line.trim()).join("\n"))), end];
}

function startsBlock(lines, at, depth = 0) {
  if ([FENCE, HEADING, RULE].some((mark) => mark.test(lines[at])) || isTable(lines, at)) return true;
  return depth < DEPTH && (QUOTE.test(lines[at]) || ITEM.test(lines[at]));
}

function isTable(lines, at) {
  const under = lines[at + 1] ?? "";
  return lines[at].includes("|") && under.length < SPAN && TABLE_LINE.test(under);
}

function table(lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const row = (line, cell) => make("tr", {}, ...cells(line).map((text) => make(cell, {}, ...inline(text))));
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  const whole = make("table", {}, make("thead", {}, row(lines[at], "th")), make("tbody", {}, ...body));
  return [make("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Table" }, whole), end];
}

const cells = (line) => line.trim().replace(/^\|/, "").replace(/\|$/, "").split("|").map((text) => text.trim());

/** Text with what stands inside a line: code, bold, slanted, references. */
function inline(text, depth = 0) {
  if (depth > DEPTH) return [text];
  const out = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    out.push(text.slice(last, match.index), ...span(match, depth));
    last = match.index + match[0].length;
  }
  return [...out, text.slice(last)].filter((part) => part !== "");
}

function span({ groups, 0: whole }, depth) {
  if (groups.code !== undefined) return [make("code", {}, groups.code.trim() || groups.code)];
  if (groups.bold !== undefined) return [make("strong", {}, ...inline(groups.bold, depth + 1))];
  const slanted = groups.slanted ?? groups.underlined;
  if (slanted !== undefined) return [make("em", {}, ...inline(slanted, depth + 1))];
  if (groups.reference !== undefined) return numbersOf(whole).map(reference);
  return [groups.label || (groups.picture ? "picture" : ""), make("span", { class: "address" }, ` (${groups.address})`)];
}

function reference({ kind, id }) {
  const name = { class: "cite", "data-kind": kind, "data-id": id };
  if (kind === "photo") return make("a", { ...name, href: `/view/${id}` }, `photo ${id}`);
  return make("a", { ...name, href: `/days?summary=${id}` }, `summary ${id}`);
}
