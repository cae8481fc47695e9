// Asking the library: one's conversations, the one that is open, and what its answers cite.
import { ask, send } from "./api.js";
import { make } from "./dom.js";
import { dateOf } from "./format.js";
import { ModelChoice } from "./models.js";
import { fetching } from "./pull.js";
import { Talk } from "./talk.js";
import { Viewer } from "./viewer.js";

const page = document.querySelector("#ask");
const past = document.querySelector("#past");
const list = past.querySelector("ul");
const empty = document.querySelector("#empty");
const toggle = document.querySelector("#earlier");
const models = new ModelChoice();
let conversation = null; // its number; null: a new one
let drawing = 0; // how often the list was asked for
let late = false; // the address of a new one waits until the photo before it is closed

const talk = new Talk({
  label: "Ask about your photos",
  request: (message) => {
    empty.hidden = true;
    return { path: "/chat/stream", body: { message, ...models.chosen, ...(conversation ? { conversation_id: conversation } : {}) } };
  },
  done: async (data, element) => {
    if (!element.isConnected) return; // another conversation has been opened meanwhile
    conversation = data.conversation_id;
    late = viewer.isOpen;
    if (!late) history.replaceState(null, "", addressOf(conversation));
    models.fit({ backend: data.backend, model: data.model });
    await drawList();
  },
  help: (words) => [make("a", { class: "pill", href: `/days?${new URLSearchParams({ q: words })}` }, "Search the daily summaries instead")],
});

const addressOf = (number) => (number ? `/ask?conversation=${number}` : "/ask");
const wanted = () => Number(new URLSearchParams(location.search).get("conversation")) || null;

/** Every photo that is cited on the page, in order: what the viewer walks through. */
const place = {
  get photos() {
    return [...talk.log.querySelectorAll(".shots > li")].map((item) => item.photo).filter(Boolean);
  },
};
const viewer = new Viewer({
  locate: async (photo) => {
    const index = place.photos.findIndex((one) => one.asset_id === photo.asset_id);
    return index < 0 ? null : { section: place, index };
  },
  neighbour: async ({ index }, step) => (place.photos[index + step] ? { section: place, index: index + step } : null),
  changed: (isOpen) => {
    if (isOpen || !late) return;
    late = false;
    history.replaceState(null, "", addressOf(conversation));
  },
});

async function drawList() {
  const turn = ++drawing;
  let conversations;
  try {
    ({ conversations } = await ask("/chat", { limit: 200 }));
  } catch (error) {
    return list.replaceChildren(make("li", { class: "problem" }, error.message));
  }
  if (turn !== drawing) return undefined; // a later answer is on its way, or here
  toggle.hidden = !conversations.length;
  list.replaceChildren(...conversations.map(line));
  return mark();
}

function line({ conversation_id: number, title, last_at, backend }) {
  const when = [dateOf(last_at), backend === "hybrid" ? "OpenRouter" : ""].filter(Boolean).join(" · ");
  const link = make("a", { href: addressOf(number), title }, title, make("small", {}, when));
  link.addEventListener("click", (event) => go(event, number));
  const away = make("button", { class: "away", type: "button", "aria-label": `Delete “${title}”`, title: "Delete", click: () => forget(number, title) }, "×");
  return make("li", {}, link, away);
}

async function forget(number, title) {
  if (!confirm(`Delete the conversation “${title}”? This cannot be undone.`)) return;
  try {
    await send("DELETE", `/chat?conversation_id=${number}`);
  } catch (error) {
    list.prepend(make("li", { class: "problem", role: "alert" }, error.message));
    return;
  }
  if (conversation === number) {
    history.replaceState(null, "", addressOf(null));
    open(null);
  }
  await drawList();
}

/** Open another conversation without leaving the page; a question on its way is stopped. */
function go(event, number) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (talk.isBusy && !confirm("The answer is still being written. Stop it and open another conversation?")) return;
  history.pushState(null, "", addressOf(number));
  open(number);
}

async function open(number) {
  talk.stop();
  conversation = number;
  talk.show([]);
  showPast(false);
  empty.hidden = number !== null;
  mark();
  if (number === null) {
    talk.offer("");
    return models.fit(null);
  }
  try {
    const said = await ask("/chat/history", { conversation_id: number });
    if (conversation !== number) return undefined;
    talk.show(said.messages);
    models.fit(said);
    talk.log.lastElementChild?.scrollIntoView({ block: "end" });
  } catch (error) {
    talk.log.replaceChildren(make("p", { class: "problem", role: "alert" }, error.message));
  }
  return undefined;
}

/** Whether something can answer; if not, what to do. */
async function seeWhatIsThere() {
  await models.load();
  const trouble = document.querySelector("#trouble");
  trouble.querySelector("p").textContent = models.trouble;
  trouble.hidden = !models.trouble;
  trouble.querySelector(".fetching").replaceChildren(...(models.missing ? [fetching(models.missing, seeWhatIsThere)] : []));
}

function mark() {
  for (const link of list.querySelectorAll("a")) {
    if (link.getAttribute("href") === addressOf(conversation)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function showPast(on) {
  past.classList.toggle("open", on);
  toggle.setAttribute("aria-expanded", String(on));
}

talk.log.addEventListener("click", (event) => {
  const chosen = event.target.closest?.(".tile[data-id], .cite[data-kind=photo]");
  if (!chosen || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  const index = place.photos.findIndex((photo) => photo.asset_id === Number(chosen.dataset.id));
  if (index < 0) return;
  event.preventDefault();
  viewer.open({ section: place, index });
});
toggle.addEventListener("click", () => showPast(!past.classList.contains("open")));
document.querySelector("#new").addEventListener("click", (event) => go(event, null));
empty.addEventListener("click", (event) => {
  const idea = event.target.closest(".idea");
  if (idea) talk.offer(idea.textContent);
});
window.addEventListener("popstate", () => !location.pathname.startsWith("/view/") && wanted() !== conversation && open(wanted()));
window.addEventListener("beforeunload", (event) => talk.isBusy && event.preventDefault());

page.querySelector(".column").append(talk.log, make("div", { class: "foot" }, talk.form, models.element));
open(wanted());
drawList();
if (!wanted()) talk.offer(new URLSearchParams(location.search).get("q") ?? "");
await seeWhatIsThere();
