// Which model answers: what the servers here have, and OpenRouter's where that is set up.
import { ask } from "./api.js";
import { make } from "./dom.js";

export class ModelChoice {
  element = make("label", { class: "model", hidden: true }, make("span", { class: "unseen" }, "Model"));
  #select = make("select", {});
  #local = null; // the group of local models
  #remote = null;
  #conversation = null;
  #note = make("span", { class: "quiet", hidden: true }, "What you write is sent to OpenRouter, pictures never.");
  /** Why nothing can answer, in words that say what to do; "" where something can. */
  trouble = "";
  /** Then: a model that its server could fetch, `{ role, server, model }`; null where that would not help. */
  missing = null;

  constructor() {
    this.element.append(this.#select, this.#note);
    this.#select.addEventListener("change", () => this.#said());
  }

  /** Ask what there is. Never throws: without an answer the configured model is used. */
  async load() {
    try {
      const [{ servers }, remote] = await Promise.all([ask("/insights/models"), ask("/insights/openrouter/models")]);
      this.#fill(servers, remote);
    } catch (error) {
      this.trouble = error.message;
    }
    return this;
  }

  /** For the body of a request. */
  get chosen() {
    if (!this.#select.value) return {};
    const { backend, model } = JSON.parse(this.#select.value);
    return model ? { backend, model } : { backend };
  }

  /**
   * Fit a conversation: one that began on one's own computer stays there; null for a new one.
   * @param {{backend: string, model: string | null} | null} conversation
   */
  fit(conversation) {
    this.#conversation = conversation;
    if (this.#remote) this.#remote.disabled = conversation?.backend === "local";
    const options = [...this.#select.options];
    const of = (backend, model) => options.find((one) => one.value === JSON.stringify({ backend, model }));
    const wanted = conversation ? (of(conversation.backend, conversation.model) ?? of(conversation.backend, "")) : options.find((one) => !one.parentElement.disabled);
    if (wanted) this.#select.value = wanted.value;
    this.#said();
  }

  #fill(servers, remote) {
    const up = servers.filter((server) => !server.error);
    const names = new Set(up.flatMap(({ models }) => models.filter((one) => one.capabilities.includes("tools")).map((one) => one.name)));
    const usual = (up.find((server) => server.has_model) ?? servers[0])?.model ?? "";
    names.delete(usual);
    this.#local = make("optgroup", { label: "On your own computer" }, option("local", "", usual || "Standard model"), ...[...names].map((name) => option("local", name, name)));
    this.#select.replaceChildren(this.#local);
    if (remote.configured) {
      const models = remote.models.filter((name) => name !== remote.default_model);
      this.#remote = make("optgroup", { label: "Online, through OpenRouter" }, option("hybrid", "", remote.default_model), ...models.map((name) => option("hybrid", name, name)));
      if (up.length) this.#select.append(this.#remote);
      else this.#select.prepend(this.#remote);
    }
    this.element.hidden = this.#select.options.length < 2;
    this.trouble = remote.configured ? "" : troubleOf(servers, up, names);
    this.missing = this.trouble ? (up[0] ?? null) : null;
    this.fit(this.#conversation);
  }

  #said() {
    this.#note.hidden = !this.#select.value.includes('"hybrid"');
  }
}

const option = (backend, model, name) => make("option", { value: JSON.stringify({ backend, model }) }, name);

function troubleOf(servers, up, names) {
  if (!up.length) {
    const tried = servers.map(({ server }) => server).join(" and ");
    return `Questions cannot be answered right now, because no language model is running. Start Ollama${tried ? ` (Darkroom looks for it at ${tried})` : ""}, then reload this page.`;
  }
  if (up.some((server) => server.has_model) || names.size) return "";
  return `One step is missing: the language model ${up[0].model} has not been downloaded to ${up[0].server} yet.`;
}
