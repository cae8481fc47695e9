// One answer of a model while it comes: words, tools as they start and end, notices, and what it rests on.
import { citations } from "./cited.js";
import { make } from "./dom.js";
import { count } from "./format.js";
import { markdown } from "./markdown.js";

const REDRAW_MS = 80;
const SHORT = 90; // characters of a call's arguments

export class Answer {
  element = make("article", { class: "answer", "aria-label": "Answer" });
  #words = null; // the element that is being written in
  #text = ""; // what stands in it
  #timer = 0;
  #pause = REDRAW_MS;
  #tools = new Map(); // by the number of their call

  constructor() {
    this.element.addEventListener("click", (event) => this.#open(event));
  }

  /** An answer that was given before. */
  static of(message) {
    const answer = new Answer();
    for (const tool of message.tools ?? []) answer.#use(tool, tool.result !== null);
    answer.#say(message.content ?? "");
    answer.#rest(message.content ?? "", []);
    return answer;
  }

  /** Something happened; see POST /chat/stream. */
  take({ name, data }) {
    const known = {
      text: () => this.#add(data.text),
      tool_call: () => this.#start(data),
      tool_result: () => this.#end(data),
      truncated: () => this.notice(data.what === "answer" ? "The answer was too long and was cut off." : `This conversation has become too long: its oldest messages (${count(data.messages)}) were left out.`),
      done: () => this.#finish(data),
    };
    known[name]?.();
  }

  /** It ends without an answer. */
  fail(words, ...more) {
    this.#close();
    for (const tool of this.#tools.values()) if (tool.dataset.state === "running") tool.dataset.state = "failed";
    this.element.classList.add("failed");
    this.element.append(make("p", { class: "problem", role: "alert" }, words, ...more));
  }

  notice(words) {
    this.#close();
    this.element.append(make("p", { class: "aside" }, words));
  }

  #add(text) {
    if (!this.#words) {
      [this.#words, this.#text] = [make("div", { class: "words" }), ""];
      this.element.append(this.#words);
    }
    this.#text += text;
    this.#timer ||= setTimeout(() => this.#draw(), this.#pause);
  }

  /** Long answers are drawn less often, so that drawing never takes more than a fifth of the time. */
  #draw() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const begun = performance.now();
    this.#words?.replaceChildren(markdown(this.#text));
    this.#pause = Math.max(REDRAW_MS, 4 * (performance.now() - begun));
  }

  #close() {
    if (this.#timer) this.#draw();
    this.#words = null;
  }

  #say(text) {
    this.#close();
    this.element.append(make("div", { class: "words" }, markdown(text)));
  }

  #start(call) {
    this.#close();
    this.#text = ""; // words before a tool are no answer
    this.#tools.set(call.id, this.#use(call, false));
  }

  #use(call, ended) {
    const state = ended ? (failed(call) ? "failed" : "ended") : "running";
    const element = make("details", { class: "tool", "data-state": state });
    element.append(make("summary", {}, make("code", {}, call.name), " ", make("span", { class: "given" }, inShort(call.arguments))));
    if (ended) element.append(...outcome(call));
    this.element.append(element);
    return element;
  }

  #end(call) {
    const element = this.#tools.get(call.id) ?? this.#use(call, false);
    element.dataset.state = failed(call) ? "failed" : "ended";
    element.append(...outcome(call));
  }

  #finish(data) {
    this.#close();
    if (data.empty) this.notice(data.assistant_message);
    else if (this.#text !== data.assistant_message) this.#say(data.assistant_message);
    if (data.capped) this.notice("The search was stopped after many steps, so this answer may be incomplete.");
    this.#rest(data.assistant_message, data.cited ?? []);
    this.element.append(make("p", { class: "by" }, [data.model, data.backend === "hybrid" ? "through OpenRouter" : ""].filter(Boolean).join(" ")));
  }

  /** A day that is named in the text opens below it. */
  #open(event) {
    const chosen = event.target.closest(".cite[data-kind=summary]");
    const day = chosen && this.element.querySelector(`.day[data-id="${chosen.dataset.id}"]`);
    if (!day) return;
    event.preventDefault();
    day.open = true;
    day.scrollIntoView({ block: "nearest" });
    day.querySelector("summary").focus({ preventScroll: true });
  }

  #rest(text, found) {
    const element = citations(text, found);
    if (element) this.element.append(element);
  }
}

/** What a call was made with, on one line. */
function inShort(given) {
  if (given === null || typeof given !== "object") return cut(String(given ?? ""));
  const told = ([name, value]) => (name === "sql" ? String(value) : `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return cut(Object.entries(given).map(told).join(", "));
}

/** What was said before does not tell, but by its words. */
const failed = (call) => call.failed ?? call.result.startsWith("Error: ");
const cut = (text) => (text.length > SHORT ? `${text.slice(0, SHORT)}…` : text);

/** The statement that was run, and what came out. */
function outcome(call) {
  const sql = call.sql ?? call.arguments?.sql;
  const more = call.result_truncated ? "\n…" : "";
  return [
    typeof sql === "string" ? make("pre", { class: "sql", tabindex: 0, "aria-label": "SQL" }, make("code", {}, sql)) : null,
    make("pre", { class: "result", tabindex: 0, "aria-label": "Result" }, call.result ? `${call.result}${more}` : "No result."),
  ].filter(Boolean);
}
