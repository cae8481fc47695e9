// What was talked about, day by day: the latest, or those nearest in meaning to some words. Works without a chat model.
import { ask } from "./api.js";
import { make } from "./dom.js";
import { count, dateOf } from "./format.js";

const PAGE = 30;
const form = document.querySelector("#days-form");
const main = document.querySelector("#days");
const total = document.querySelector("#total");
const asked = new URLSearchParams(location.search);

const filters = () => Object.fromEntries(["contact", "date_from", "date_to"].map((name) => [name, asked.get(name) || undefined]));

async function load(offset = 0) {
  try {
    const answer = asked.get("q")
      ? await ask("/summaries/search", { q: asked.get("q"), limit: PAGE, ...filters() })
      : await ask("/summaries", { limit: PAGE, offset, ...filters() });
    draw(answer, offset);
  } catch (error) {
    main.replaceChildren(make("p", { class: "problem", role: "alert" }, error.message));
  }
}

function draw({ summaries, has_more: more }, offset) {
  total.textContent = asked.get("q") && summaries.length ? `${count(summaries.length)} ${summaries.length === 1 ? "day" : "days"}, best match first` : "";
  if (!summaries.length && !offset) return main.replaceChildren(empty());
  main.append(...summaries.map(card));
  if (more) {
    const button = make("button", { class: "pill", click: () => (button.remove(), load(offset + PAGE)) }, "Show more");
    main.append(button);
  }
  return undefined;
}

/** Nothing fits, or nothing was ever written. */
function empty() {
  const part = document.querySelector("#empty").content.cloneNode(true);
  const searched = [...asked.values()].some(Boolean);
  for (const one of part.querySelectorAll(searched ? ".searched" : ".never")) one.hidden = false;
  return part;
}

function card(day) {
  const date = dateOf(`${day.day}T00:00:00`);
  const question = `What happened on ${date}, and what did ${day.contact} say?`;
  const how = day.kind === "extractive" ? "quoted from the messages" : day.model;
  return make(
    "article",
    { class: "card", "data-id": day.summary_id },
    make("h2", {}, date, make("small", {}, ` with ${day.contact}`)),
    make("p", { class: "whole" }, day.summary),
    make("p", { class: "quiet" }, `${count(day.message_count)} ${day.message_count === 1 ? "message" : "messages"} · ${how}`),
    make(
      "div",
      { class: "ways" },
      make("a", { class: "pill", href: `/?${new URLSearchParams({ q: `date:${day.day}` })}` }, "Photos of that day"),
      make("a", { class: "pill", href: `/ask?${new URLSearchParams({ q: question })}` }, "Ask about it"),
    ),
  );
}

/** One summary, which an answer cites. */
async function loadOne(number) {
  try {
    main.append(card(await ask(`/summaries/${number}`)));
  } catch (error) {
    main.append(make("p", { class: "problem", role: "alert" }, error.message));
  }
}

for (const field of form.elements) if (field.name) field.value = asked.get(field.name) ?? "";
form.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (!value) formData.delete(name); // a short address
});
if (asked.get("summary")) await loadOne(Number(asked.get("summary")));
else await load();
