// The page: sections that load and unload while one scrolls, a rail to jump with, and the viewer above it.
import { ask } from "./api.js";
import { filter, isFiltered, offerFilters } from "./filter.js";
import { count } from "./format.js";
import { playWhenPointedAt } from "./moments.js";
import { buildRail } from "./rail.js";
import { completeWhileTyping } from "./search_box.js";
import { Section, groupMonths } from "./sections.js";
import { Viewer } from "./viewer.js";

const NEAR = 1400; // pixels beyond the window that are loaded
const FAR = 5000; // and where tiles are dropped again
const LOOK_AGAIN_MS = 15_000;

const timeline = document.querySelector("#timeline");
const jump = document.querySelector("#jump");
const notice = document.querySelector("#notice");
let sections = [];
let total = -1;
let rail = null;

const page = () => {
  const style = getComputedStyle(timeline);
  const width = timeline.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return { width, height: width < 600 ? 118 : width < 1100 ? 180 : 220, gap: width < 600 ? 3 : 6 };
};

const viewer = new Viewer({ locate, neighbour });

async function load() {
  let answer;
  try {
    answer = await ask("/photos/months", filter);
  } catch (error) {
    return say(error.message, "Try again", load);
  }
  notice.hidden = true;
  total = answer.total_count;
  document.querySelector("#total").textContent = total ? `${count(total)} ${total === 1 ? "photo" : "photos"}` : "";
  jump.parentElement.hidden = !total;
  if (!total) {
    timeline.replaceChildren(document.querySelector(isFiltered ? "#none" : "#empty").content.cloneNode(true));
    return undefined;
  }
  sections = groupMonths(answer.months).map((group) => new Section(group, page));
  timeline.replaceChildren(...sections.map((section) => section.element));
  jump.replaceChildren(...sections.map((section, index) => new Option(section.title, index)));
  rail = buildRail(document.querySelector("#rail"), sections, goTo);
  await attend();
  return undefined;
}

let attending = false;
let again = false;

/** Load what is near, drop what is far. Sections above the window that change height are held in place. */
async function attend() {
  if (attending) {
    again = true;
    return;
  }
  attending = true;
  do {
    again = false;
    const edge = window.innerHeight;
    for (const section of sections) {
      const box = section.element.getBoundingClientRect();
      const distance = Math.max(box.top - edge, -box.bottom);
      if (distance > FAR) section.clear();
      if (distance > NEAR) continue;
      const tail = section.element.getBoundingClientRect().bottom - parseFloat(section.grid.style.paddingBottom || 0);
      if (section.photos.length && !section.drawn) hold(section, () => section.draw());
      else if (!section.photos.length || (!section.complete && tail < edge + NEAR)) {
        if (!(await loadInto(section))) break;
        again = true;
      }
    }
  } while (again);
  attending = false;
  rail?.mark();
}

async function loadInto(section) {
  try {
    const above = section.element.getBoundingClientRect().bottom < 0;
    const before = section.element.offsetHeight;
    await section.load();
    if (above) window.scrollBy(0, section.element.offsetHeight - before);
    return true;
  } catch (error) {
    say(error.message, "Try again", attend);
    return false;
  }
}

function hold(section, change) {
  const above = section.element.getBoundingClientRect().bottom < 0;
  const before = section.element.offsetHeight;
  change();
  if (above) window.scrollBy(0, section.element.offsetHeight - before);
}

function goTo(section) {
  const bar = document.querySelector(".bar").offsetHeight;
  window.scrollTo(0, section.element.getBoundingClientRect().top + window.scrollY - bar);
  attend();
}

/** Where a photo is: {section, index}. Loads its section when that has not happened yet. */
async function locate(photo) {
  const month = (photo.taken_at ?? photo.modified_at).slice(0, 7);
  const section = sections.find((candidate) => candidate.holds(month));
  if (!section) return null;
  const find = () => section.photos.findIndex((one) => one.asset_id === photo.asset_id);
  while (find() < 0 && !section.complete) await section.load();
  return find() < 0 ? null : { section, index: find() };
}

/** The photo before (-1) or after (+1) this one, across sections; null at the ends. */
async function neighbour(place, step) {
  let { section, index } = place;
  index += step;
  if (index >= section.photos.length && !section.complete) await section.load();
  if (index >= 0 && index < section.photos.length) return { section, index };
  section = sections[sections.indexOf(section) + step];
  if (!section) return null;
  if (step < 0) await section.loadAll();
  else if (!section.photos.length) await section.load();
  return section.photos.length ? { section, index: step < 0 ? section.photos.length - 1 : 0 } : null;
}

function say(message, action, act) {
  const button = document.createElement("button");
  button.textContent = action;
  button.addEventListener("click", () => {
    notice.hidden = true;
    act();
  });
  notice.replaceChildren(message, button);
  notice.hidden = false;
}

/** A scan may be under way: offer what has arrived, but do not move the page under the reader's eyes. */
async function lookAgain() {
  if (document.hidden || viewer.isOpen) return;
  try {
    const answer = await ask("/photos/months", filter);
    const more = answer.total_count - total;
    if (total === 0 && more) await load();
    else if (more) say(more > 0 ? `${count(more)} new` : "The library has changed", "Show", load);
  } catch {
    // the next look, or the next click, will say what is wrong
  }
}

let frame = 0;
const soon = () => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(attend);
};
window.addEventListener("scroll", soon, { passive: true });

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return soon(); // a phone's address bar comes and goes
  width = window.innerWidth;
  for (const section of sections) section.photos.length && section.drawn ? section.draw() : section.reserve();
  return soon();
});

timeline.addEventListener("click", (event) => {
  const tile = event.target.closest?.(".tile");
  if (!tile || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const section = sections.find((candidate) => candidate.element.contains(tile));
  const index = section.photos.findIndex((photo) => photo.asset_id === Number(tile.dataset.id));
  viewer.open({ section, index });
});
playWhenPointedAt(timeline);
offerFilters(document.querySelector("#only"));
completeWhileTyping(document.querySelector(".search"));
jump.addEventListener("change", () => goTo(sections[Number(jump.value)]));
setInterval(lookAgain, LOOK_AGAIN_MS);

await load();
await viewer.followAddress();
