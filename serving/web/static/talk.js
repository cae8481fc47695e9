// A conversation: what was said, a box to go on, the answer as it comes, and a button that stops it.
import { Answer } from "./answer.js";
import { make } from "./dom.js";
import { eventsOf } from "./sse.js";

const NEAR = 160; // pixels from the end within which the page follows the answer

export class Talk {
  log = make("div", { class: "log", role: "log", "aria-label": "Conversation" });
  #box = make("textarea", { rows: 1, maxlength: 32000, enterkeyhint: "send", autocomplete: "off" });
  #button = make("button", { class: "pill main" }, "Ask");
  form = make("form", { class: "composer" });
  #stop = null; // an AbortController while an answer is on its way

  /**
   * @param {object} wiring
   * @param {string} wiring.label what the box is for
   * @param {(text: string) => {path: string, body: object}} wiring.request
   * @param {(data: object) => void} wiring.done an answer is complete and kept
   * @param {() => void} [wiring.over] an answer ended, in whatever way
   * @param {(text: string) => Node[]} [wiring.help] what else to offer when it failed
   */
  constructor({ label, request, done, over = () => undefined, help = () => [] }) {
    Object.assign(this, { request, done, over, help });
    this.#box.placeholder = label;
    this.#box.setAttribute("aria-label", label);
    this.form.append(this.#box, this.#button);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#stop) this.#stop.abort();
      else this.say(this.#box.value);
    });
    this.#box.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the page's own keys are not meant
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.#stop) this.say(this.#box.value);
    });
  }

  get isBusy() {
    return this.#stop !== null;
  }

  /** Put words into the box, to be changed or sent. */
  offer(text) {
    this.#box.value = text;
    this.#box.focus();
  }

  stop() {
    this.#stop?.abort();
  }

  /** What was said before. `after(message, index, element)` may add to each. */
  show(messages, after = () => undefined) {
    const parts = messages.map((message, index) => {
      const element = message.role === "user" ? asked(message.content) : Answer.of(message).element;
      after(message, index, element);
      return element;
    });
    this.log.replaceChildren(...parts);
  }

  /** Ask, and show the answer while it comes. Nothing is kept of a turn that fails or is stopped. */
  async say(text) {
    const words = text.trim();
    if (!words || this.#stop) return;
    this.log.querySelectorAll(".lost").forEach((part) => part.remove());
    const [question, answer] = [asked(words), new Answer()];
    this.log.append(question, answer.element);
    this.#box.value = "";
    this.#begin(answer);
    answer.element.scrollIntoView({ block: "end" });
    try {
      const { path, body } = this.request(words);
      const data = await this.#listen(answer, path, body);
      this.#end(answer);
      this.done(data, answer.element);
    } catch (error) {
      this.#end(answer);
      this.#lose(words, question, answer, error);
    }
  }

  #begin(answer) {
    this.#stop = new AbortController();
    this.#button.textContent = "Stop";
    answer.element.setAttribute("aria-busy", "true");
  }

  #end(answer) {
    this.#stop = null;
    this.#button.textContent = "Ask";
    answer.element.removeAttribute("aria-busy");
    this.over();
  }

  async #listen(answer, path, body) {
    for await (const event of eventsOf(path, body, this.#stop.signal)) {
      if (event.name === "error") throw new Error(event.data.detail);
      this.#follow(() => answer.take(event));
      if (event.name === "done") return event.data;
    }
    throw new Error("The connection broke before the answer was complete. Try again.");
  }

  /** Keep the end in sight for whoever is looking at it. */
  #follow(change) {
    const end = () => this.log.getBoundingClientRect().bottom - window.innerHeight;
    const near = end() < NEAR;
    change();
    if (near) this.log.lastElementChild.scrollIntoView({ block: "end" });
  }

  #lose(words, question, answer, error) {
    if (!answer.element.isConnected) return; // another conversation is shown by now
    for (const part of [question, answer.element]) part.classList.add("lost");
    const again = make("button", { type: "button", class: "pill", click: () => this.say(words) }, "Try again");
    const stopped = error.name === "AbortError";
    answer.fail(stopped ? "Stopped. Nothing of this was saved." : sentence(error.message));
    answer.element.append(make("p", { class: "ways" }, again, ...(stopped ? [] : this.help(words))));
    if (!this.#box.value) this.#box.value = words;
  }
}

function asked(text) {
  return make("p", { class: "asked" }, make("span", { class: "unseen" }, "You asked: "), text);
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
