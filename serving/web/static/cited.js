// What an answer rests on: photos as thumbnails, days as lines that open.
import { ask } from "./api.js";
import { make } from "./dom.js";
import { count, dateOf } from "./format.js";
import { ratioOf } from "./layout.js";
import { mentions } from "./markdown.js";
import { tile } from "./sections.js";

const MOST = 24; // thumbnails at once
const HEIGHT = 108;

/**
 * @param {string} text the answer
 * @param {{kind: string, id: number}[]} found what the tools gave, whether the answer names it or not
 * @returns {HTMLElement | null} null where there is nothing to show
 */
export function citations(text, found) {
  const named = mentions(text);
  const keys = new Set(named.map(keyOf));
  const rest = found.filter((one) => !keys.has(keyOf(one)));
  const parts = named.length ? [...shown(named), rest.length ? fold(rest) : null] : [rest.length ? fold(rest) : null];
  const present = parts.filter(Boolean);
  return present.length ? make("div", { class: "cited" }, ...present) : null;
}

const keyOf = ({ kind, id }) => `${kind} ${id}`;
const ids = (list, kind) => list.filter((one) => one.kind === kind).map((one) => one.id);

function shown(list) {
  const [photos, days] = [ids(list, "photo"), ids(list, "summary")];
  return [photos.length ? shots(photos) : null, ...days.slice(0, MOST).map(dayOf)].filter(Boolean);
}

/** What was looked at besides; asked for when it is opened. */
function fold(list) {
  const [photos, days] = [ids(list, "photo").length, ids(list, "summary").length];
  const words = [photos && `${count(photos)} ${photos === 1 ? "photo" : "photos"}`, days && `${count(days)} ${days === 1 ? "day" : "days"}`];
  const element = make("details", { class: "found" }, make("summary", {}, `Looked at ${words.filter(Boolean).join(" and ")}`));
  element.addEventListener("toggle", () => element.append(...shown(list)), { once: true });
  return element;
}

/** A line of thumbnails, filled as they are known. */
function shots(numbers) {
  const line = make("ul", { class: "shots", "aria-label": "Photos" });
  for (const number of numbers.slice(0, MOST)) {
    const item = make("li", {}, make("span", { class: "tile waiting" }));
    line.append(item);
    fill(item, number);
  }
  if (numbers.length > MOST) line.append(make("li", { class: "quiet" }, `and ${count(numbers.length - MOST)} more`));
  return line;
}

async function fill(item, number) {
  try {
    const photo = await ask(`/photos/${number}`);
    item.replaceChildren(tile(photo, HEIGHT * ratioOf(photo)));
    item.photo = photo;
  } catch (error) {
    const why = error.status === 404 ? "no longer in your library" : error.message;
    item.replaceChildren(make("span", { class: "tile none" }, make("span", { class: "plate" }, `photo ${number}: ${why}`)));
  }
}

/** A day: who with and when; the words when it is opened. */
function dayOf(number) {
  const title = make("summary", {}, `summary ${number}`);
  const words = make("p", {});
  const element = make("details", { class: "day", "data-id": number }, title, words);
  ask(`/summaries/${number}`).then(
    (day) => {
      title.replaceChildren(make("b", {}, dateOf(`${day.day}T00:00:00`)), ` with ${day.contact}`);
      words.replaceChildren(day.summary, " ", make("a", { href: `/?q=${encodeURIComponent(`date:${day.day}`)}` }, "Photos of that day"));
    },
    (error) => words.replaceChildren(error.status === 404 ? "This summary no longer exists." : error.message),
  );
  return element;
}
