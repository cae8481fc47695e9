// Having a model server fetch a model that is missing, and how far it is.
import { ask, send } from "./api.js";
import { make } from "./dom.js";
import { bytes } from "./format.js";

const EVERY_MS = 1000;

/**
 * A button, and what it says when it was pressed.
 * @param {{role: string, server: string, model: string}} missing
 * @param {() => void} done the model is there
 */
export function fetching({ role, server, model }, done) {
  const state = make("span", { class: "quiet", role: "status" });
  const button = make("button", { type: "button", class: "pill main" }, `Download ${model}`);
  const say = (words) => state.replaceChildren(words);

  async function begin() {
    button.disabled = true;
    try {
      await send("POST", "/insights/models/pull", { model, server: role });
      await follow();
    } catch (error) {
      say(error.message);
      button.disabled = false;
    }
  }

  /** Until it is there. Throws where it cannot be. */
  async function follow() {
    for (;;) {
      const { servers } = await ask("/insights/models");
      const found = servers.find((one) => one.role === role);
      const pull = found?.pulls.find((one) => one.model === model);
      if (pull?.state === "failed") throw new Error(`${model} could not be downloaded: ${pull.status}`);
      if (found?.has_model) return done();
      say(howFar(pull));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  button.addEventListener("click", begin);
  return make("div", { class: "ways" }, button, state);
}

const howFar = (pull) => (pull?.total_bytes ? `${bytes(pull.completed_bytes)} of ${bytes(pull.total_bytes)}` : "Downloading…");
