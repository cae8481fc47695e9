// What was photographed on this day (in this week, month) of other years.
import { ask } from "./api.js";
import { count } from "./format.js";
import { justify, ratioOf } from "./layout.js";
import { playWhenPointedAt } from "./moments.js";
import { tile } from "./sections.js";
import { Viewer } from "./viewer.js";

const main = document.querySelector("#memories");
const total = document.querySelector("#total");
const day = document.querySelector("#day");
const span = document.querySelector("#span");
const notice = document.querySelector("#notice");
const place = { photos: [] };
const viewer = new Viewer({ locate, neighbour });
let years = [];

const page = () => {
  const style = getComputedStyle(main);
  const width = main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return { width, height: width < 600 ? 118 : width < 1100 ? 180 : 220, gap: width < 600 ? 3 : 6 };
};

async function load() {
  const parameters = { span: span.value, timezone_offset_minutes: -new Date().getTimezoneOffset(), date: day.value || undefined };
  try {
    const answer = await ask("/memories", parameters);
    notice.hidden = true;
    day.value ||= answer.date;
    place.photos = answer.items;
    years = byYear(answer.items);
    total.textContent = answer.total ? `${count(answer.total)} ${answer.total === 1 ? "memory" : "memories"}` : "";
    draw(answer.years);
  } catch (error) {
    notice.textContent = error.message;
    notice.hidden = false;
  }
}

let known = {};
function draw(counts = known) {
  known = counts;
  if (!years.length) return main.replaceChildren(document.querySelector("#empty").content.cloneNode(true));
  const layout = page();
  return main.replaceChildren(...years.map(([year, photos]) => section(year, photos, counts[year], layout)));
}

function section(year, photos, all, layout) {
  const element = document.createElement("section");
  element.className = "months";
  const heading = document.createElement("h2");
  heading.textContent = `${year} · ${ago(Number(day.value.slice(0, 4)) - year)}`;
  element.append(heading);
  for (const { from, to, height } of justify(photos.map(ratioOf), layout)) {
    const row = document.createElement("div");
    row.className = "row";
    row.style.height = `${height}px`;
    row.style.marginBottom = `${layout.gap}px`;
    for (const photo of photos.slice(from, to)) row.append(tile(photo, height * ratioOf(photo)));
    element.append(row);
  }
  if (all > photos.length) {
    const more = document.createElement("p");
    more.className = "quiet";
    more.textContent = `and ${count(all - photos.length)} more`;
    element.append(more);
  }
  return element;
}

/** [[2012, [photo, …]], …] in the order they come in. */
function byYear(photos) {
  const found = new Map();
  for (const photo of photos) found.set(photo.year, [...(found.get(photo.year) ?? []), photo]);
  return [...found];
}

const ago = (number) => (number === 0 ? "this year" : number === 1 ? "a year ago" : `${number} years ago`);

async function locate(photo) {
  const index = place.photos.findIndex((one) => one.asset_id === photo.asset_id);
  return index < 0 ? null : { section: place, index };
}

async function neighbour({ index }, step) {
  return place.photos[index + step] ? { section: place, index: index + step } : null;
}

main.addEventListener("click", (event) => {
  const chosen = event.target.closest?.(".tile");
  if (!chosen || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  viewer.open({ section: place, index: place.photos.findIndex((photo) => photo.asset_id === Number(chosen.dataset.id)) });
});
main.addEventListener("click", (event) => {
  const wider = event.target.closest("[data-span]");
  if (!wider) return;
  span.value = wider.dataset.span;
  load();
});
playWhenPointedAt(main);
for (const control of [day, span]) control.addEventListener("change", load);
let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return; // a phone's address bar comes and goes
  width = window.innerWidth;
  draw();
});
await load();
