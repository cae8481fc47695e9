// Beside a photo: what a model wrote about it, and the conversation that goes on from there. Loaded when it is opened.
import { Answer } from "./answer.js";
import { ask, send } from "./api.js";
import { make } from "./dom.js";
import { dateOf } from "./format.js";
import { markdown } from "./markdown.js";
import { ModelChoice } from "./models.js";
import { Talk } from "./talk.js";

const AT_ONCE = 3; // answers on their way; a browser keeps six connections, and photos need some
const underWay = new Map(); // asset → the Insight that is being written or talked about: one may walk on meanwhile

/** What to show beside *photo*: a new one, or the one that is still busy with it. */
export function insightOf(photo) {
  return (underWay.get(photo.asset_id) ?? new Insight(photo)).element;
}

class Insight {
  element = make("div", { class: "insight", "aria-busy": "true" });
  #photo;
  #models = new ModelChoice();
  #amend = make("input", { type: "checkbox" });
  #talk;

  constructor(photo) {
    this.#photo = photo;
    this.#talk = new Talk({
      label: "Ask about this photo",
      request: (text) => this.#request(text),
      done: () => this.#ended(),
      over: () => underWay.delete(photo.asset_id),
    });
    this.element.addEventListener("click", walk);
    this.#models.load().then(() => this.element.querySelector(".trouble")?.replaceChildren(this.#models.trouble));
    this.#load();
  }

  get #place() {
    return { path: this.#photo.path, library: this.#photo.library_id };
  }

  get #body() {
    return { file_path: this.#photo.path, library: String(this.#photo.library_id) };
  }

  #request(text) {
    this.#enter();
    return { path: "/insights/chat/stream", body: { ...this.#body, ...this.#models.chosen, user_message: text, amend: this.#amend.checked } };
  }

  /** Throws when too many are busy already. */
  #enter() {
    if (underWay.size >= AT_ONCE && !underWay.has(this.#photo.asset_id)) {
      throw new Error(`${AT_ONCE} answers about other photos are still being written; wait for one of them`);
    }
    underWay.set(this.#photo.asset_id, this);
  }

  async #load() {
    try {
      this.#show(await ask("/insights", this.#place), await ask("/insights/chat/history", this.#place));
    } catch (error) {
      if (error.status === 404) this.#offer();
      else this.element.replaceChildren(problem(error.message), make("button", { type: "button", class: "pill", click: () => this.#load() }, "Try again"));
    }
    this.element.removeAttribute("aria-busy");
  }

  /** Nothing was written yet. */
  #offer(trouble = null) {
    this.#models.fit(null);
    const write = make("button", { type: "button", class: "pill main", click: () => this.#write() }, "Write one");
    this.element.replaceChildren(
      make("p", { class: "quiet" }, "Nothing has been written about this photo yet. A language model can write something from what is known about it and from your messages of that time."),
      ...(trouble ? [problem(trouble)] : []),
      make("p", { class: "trouble quiet" }, this.#models.trouble),
      make("div", { class: "ways" }, write, this.#models.element),
    );
  }

  async #write() {
    try {
      this.#enter();
    } catch (error) {
      return this.#offer(`${error.message}.`);
    }
    const leave = new AbortController(); // the server stops the model when nobody waits for it
    this.element.replaceChildren(
      make("p", { class: "writing", role: "status" }, "Writing. This can take a few minutes; you can look at other photos meanwhile."),
      make("button", { type: "button", class: "pill", click: () => leave.abort() }, "Stop"),
    );
    try {
      await send("POST", "/insights/generate/agentic", { ...this.#body, ...this.#models.chosen }, leave.signal);
      await this.#ended();
    } catch (error) {
      this.#offer(error.name === "AbortError" ? "Stopped. Nothing was saved." : error.message);
    } finally {
      underWay.delete(this.#photo.asset_id);
    }
    return undefined;
  }

  #ended() {
    this.#amend.checked = false;
    return this.#load();
  }

  #show(insight, history) {
    const first = history.messages.findIndex((message) => message.role === "assistant") + 1;
    const [written, after] = [history.messages.slice(0, first), history.messages.slice(first)];
    this.#models.fit(history);
    this.#talk.show(after, (message, index, element) => message.role === "user" && element.append(this.#rewind(message, first + index)));
    this.element.replaceChildren(
      make("h4", {}, insight.title),
      make("div", { class: "words" }, markdown(insight.summary)),
      make("p", { class: "by" }, [insight.model_version, dateOf(insight.generated_at)].join(" · ")),
      this.#judge(insight),
      how(written),
      this.#talk.log,
      this.#talk.form,
      make("div", { class: "foot" }, make("label", { class: "amend" }, this.#amend, "Rewrite it with the answer"), this.#models.element),
    );
  }

  #judge(insight) {
    const thumb = (value, words) => {
      const given = insight.rating === value;
      const rate = () => this.#do(() => send("POST", "/insights/rate", { ...this.#body, rating: given ? 0 : value }));
      return make("button", { type: "button", class: value > 0 ? "thumb" : "thumb down", "aria-pressed": String(given), "aria-label": words, title: words, click: rate });
    };
    const away = () => confirm("Delete this text? If there was an earlier version, it is shown again.") && this.#do(() => send("DELETE", `/insights?${new URLSearchParams(this.#place)}`));
    return make("div", { class: "judge" }, thumb(1, "Well written"), thumb(-1, "Badly written"), make("button", { type: "button", class: "away", click: away }, "Delete"));
  }

  /** Back to before a question, which comes into the box. */
  #rewind(message, index) {
    const back = async () => {
      await this.#do(() => send("POST", "/insights/chat/rewind", { ...this.#body, discard_from_rendered_index: index }));
      this.#talk.offer(message.content);
    };
    return make("button", { type: "button", class: "rewind", title: "Remove this question and everything after it", "aria-label": "Remove this question and everything after it", click: back }, "↶");
  }

  /** What a button says; not while an answer is on its way. */
  async #do(work) {
    if (this.#talk.isBusy) return;
    this.element.querySelector(":scope > .problem")?.remove();
    try {
      await work();
      await this.#load();
    } catch (error) {
      this.element.append(problem(error.message));
    }
  }
}

/** A photo that is cited is shown in the viewer this stands in; an answer on its way is not lost. */
function walk(event) {
  const link = event.target.closest?.("a[href^='/view/']");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState({ inside: true }, "", link.href);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

/** What the model was told, and the tools it took. */
function how(messages) {
  const element = make("details", { class: "how" }, make("summary", {}, "How it was written"));
  const told = (message) => (message.role === "user" ? make("pre", { class: "result", tabindex: 0 }, message.content) : Answer.of(message).element);
  element.addEventListener("toggle", () => element.append(...messages.map(told)), { once: true });
  return element;
}

const problem = (words) => make("p", { class: "problem", role: "alert" }, words);
