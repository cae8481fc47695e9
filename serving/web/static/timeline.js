// The page: sections that load and unload while one scrolls, a rail to jump with, and the viewer above it.
import { ask } from "./api.js";
import { filter, isFiltered, offerFilters } from "./filter.js";
import { count } from "./format.js";
import { playWhenPointedAt } from "./moments.js";
import { buildRail } from "./rail.js";
import { completeWhileTyping } from "./search_box.js";
import { makeSections } from "./sections.js";
import { Viewer } from "./viewer.js";

const NEAR = 1400; // pixels beyond the window that are loaded
const FAR = 5000; // and where tiles are dropped again
const LOOK_AGAIN_MS = 15_000;
const SETTLED_MS = 250; // after the last movement the place is kept

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

const viewer = new Viewer({ locate, neighbour, changed: (open) => open || keepPlace() });

async function load(place = placeOfWindow()) {
  let answer;
  try {
    answer = await ask("/photos/months", filter);
  } catch (error) {
    return say(error.message, "Try again", () => load(place));
  }
  notice.hidden = true;
  total = answer.total_count;
  document.querySelector("#total").textContent = total ? `${count(total)} ${total === 1 ? "photo" : "photos"}` : "";
  jump.parentElement.hidden = !total;
  if (!total) {
    sections = [];
    timeline.replaceChildren(document.querySelector(isFiltered ? "#none" : "#empty").content.cloneNode(true));
    return undefined;
  }
  sections = makeSections(answer.months, page);
  timeline.replaceChildren(...sections.map((section) => section.element));
  jump.replaceChildren(...sections.flatMap((section, index) => (section.head === section ? [new Option(section.title, index)] : [])));
  rail = buildRail(document.querySelector("#rail"), sections, goTo);
  if (place) await returnTo(place);
  await attend();
  return undefined;
}

let attending = null;
let again = false;

/** Load what is near, drop what is far; what is being looked at stays where it is. */
function attend() {
  again = true;
  attending ??= attendOnce().finally(() => (attending = null));
  return attending;
}

async function attendOnce() {
  while (again) {
    again = false;
    const edge = window.innerHeight;
    for (const section of sections) {
      const box = section.element.getBoundingClientRect();
      const distance = Math.max(box.top - edge, -box.bottom);
      if (distance > FAR) section.clear();
      if (distance > NEAR || section.element.hidden) continue;
      if (!section.drawn) hold(() => section.draw());
      const tail = section.element.getBoundingClientRect().bottom - parseFloat(section.grid.style.paddingBottom || 0);
      if (section.complete || (section.photos.length && tail >= edge + NEAR)) continue;
      if (!(await loadInto(section))) return;
      again = true;
    }
  }
  rail?.mark();
}

async function loadInto(section) {
  try {
    await section.load();
  } catch (error) {
    say(error.message, "Try again", attend);
    return false;
  }
  hold(() => section.draw());
  return true;
}

const topLine = () => document.querySelector(".bar").offsetHeight + 1;

/** What the window shows first: a tile, or where nothing is loaded yet a section; and how high it stands. */
function anchor() {
  const line = topLine();
  const inside = sections.filter(({ element }) => {
    const box = element.getBoundingClientRect();
    return !element.hidden && box.bottom > line && box.top < window.innerHeight;
  });
  for (const section of inside) {
    const tile = section.tileBelow(line);
    const top = tile?.getBoundingClientRect().top;
    const photo = top < window.innerHeight && section.photos.find((one) => one.asset_id === Number(tile.dataset.id));
    if (photo) return { section, photo, top };
  }
  return inside.length ? { section: inside[0], photo: null, top: inside[0].element.getBoundingClientRect().top } : null;
}

/** Change sections without moving what is being looked at. */
function hold(change) {
  const held = anchor();
  change();
  const element = held && ((held.photo && held.section.tileOf(held.photo)) ?? held.section.element);
  if (element?.isConnected && !element.hidden) window.scrollBy(0, element.getBoundingClientRect().top - held.top);
}

/** The place of the window as a value that outlives this page; null at the very top, where new photos come in. */
function placeOfWindow() {
  const held = window.scrollY > 0 ? anchor() : null;
  if (!held) return null;
  const { photo, section, top } = held;
  return { month: section.last, top, photo: photo && { asset_id: photo.asset_id, order_at: photo.order_at } };
}

/** Go back to a place, or to what is nearest to it now. */
async function returnTo({ month, top, photo }) {
  const found = photo && (await nearest(photo));
  if (found) return showAt(found, top);
  const section = sections.find((one) => one.first <= month) ?? sections.at(-1);
  window.scrollTo(0, section.element.getBoundingClientRect().top + window.scrollY - (photo ? topLine() : top));
  return undefined;
}

/** Put a photo's tile at a height of the window. */
function showAt({ section, index }, top) {
  if (!section.drawn) section.draw();
  const tile = section.tileOf(section.photos[index]);
  window.scrollTo(0, tile.getBoundingClientRect().top + window.scrollY - top);
}

function goTo(section) {
  const bar = document.querySelector(".bar").offsetHeight;
  window.scrollTo(0, section.element.getBoundingClientRect().top + window.scrollY - bar);
  attend();
}

/** Where a photo is, or the one that stands nearest to where it would be: {section, index}. Loads what it looks into. */
async function nearest(photo) {
  const month = photo.order_at.slice(0, 7);
  let [low, high] = [sections.findIndex((one) => one.holds(month)), sections.findLastIndex((one) => one.holds(month))];
  let found = null;
  while (low <= high && low >= 0) {
    const middle = (low + high) >> 1;
    const section = sections[middle];
    let index = -1;
    do {
      if (!section.complete) await section.load();
      index = section.positionOf(photo);
    } while (index === section.photos.length && !section.complete);
    if (section.photos.length) found = { section, index: Math.min(Math.max(index, 0), section.photos.length - 1) };
    if (index >= 0 && index < section.photos.length) return found;
    if (index < 0) high = middle - 1;
    else low = middle + 1;
  }
  return found;
}

/** Where a photo is, and the timeline behind the viewer goes there: {section, index}; null for one that is not shown. */
async function locate(photo) {
  const found = await nearest(photo);
  if (found?.section.photos[found.index].asset_id !== photo.asset_id) return null;
  const box = found.section.tileOf(photo)?.getBoundingClientRect();
  if (!box || box.bottom < topLine() || box.top > window.innerHeight) showAt(found, window.innerHeight / 3);
  soon();
  return found;
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
  if (section.photos.length) return { section, index: step < 0 ? section.photos.length - 1 : 0 };
  return neighbour({ section, index: step < 0 ? 0 : -1 }, step); // fewer photos than it was said to have
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
    else if (more) say(more > 0 ? `${count(more)} new` : "The library has changed", "Show", () => load());
  } catch {
    // the next look, or the next click, will say what is wrong
  }
}

let frame = 0;
const soon = () => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(attend);
};

/** Write the place into the address and its history entry: a reload, the back button and a sent link lead there. */
let leaving = 0;
function keepPlace() {
  clearTimeout(leaving);
  if (viewer.isOpen || location.pathname !== "/" || !sections.length) return;
  const place = placeOfWindow();
  history.replaceState({ ...history.state, place }, "", `/${location.search}${place ? `#${place.month}` : ""}`);
}

window.addEventListener("scroll", () => {
  soon();
  clearTimeout(leaving);
  leaving = setTimeout(keepPlace, SETTLED_MS);
}, { passive: true });
window.addEventListener("pagehide", keepPlace);
window.addEventListener("popstate", async () => {
  if (location.pathname === "/" && history.state?.place) await returnTo(history.state.place);
  soon();
});
window.addEventListener("hashchange", () => {
  if (!history.state?.place && addressed()) returnTo(addressed());
});

/** The place that the address names: a month. */
function addressed() {
  const month = location.hash.match(/^#(\d{4}-\d{2})$/)?.[1];
  return month ? { month, top: topLine(), photo: null } : null;
}

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return soon(); // a phone's address bar comes and goes
  width = window.innerWidth;
  hold(() => sections.forEach((section) => (section.shown ? section.draw() : section.reserve())));
  return soon();
});

timeline.addEventListener("click", (event) => {
  const tile = event.target.closest?.(".tile");
  if (!tile || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const section = sections.find((candidate) => candidate.element.contains(tile));
  const index = section.photos.findIndex((photo) => photo.asset_id === Number(tile.dataset.id));
  keepPlace(); // before the address is the photo's
  viewer.open({ section, index });
});
playWhenPointedAt(timeline);
offerFilters(document.querySelector("#only"));
completeWhileTyping(document.querySelector(".search"));
jump.addEventListener("change", () => goTo(sections[Number(jump.value)]));
setInterval(lookAgain, LOOK_AGAIN_MS);

history.scrollRestoration = "manual"; // the browser knows a height in pixels, not what stands there
document.documentElement.style.overflowAnchor = "none"; // `hold` does it, or it would be done twice
await load(location.pathname === "/" ? (history.state?.place ?? addressed()) : null);
await viewer.followAddress();
