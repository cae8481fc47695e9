// The video wall: every film as a small moving picture, newest first; a click opens it in the viewer.
import { ask } from "./api.js";
import { Clips } from "./clips.js";
import { count } from "./format.js";
import { justify, ratioOf } from "./layout.js";
import { playWhenPointedAt } from "./moments.js";
import { tile } from "./sections.js";
import { Viewer } from "./viewer.js";

const PAGE = 60;
const NEAR = "1200px 0px";

const wall = document.querySelector("#wall");
const notice = document.querySelector("#notice");
const pause = document.querySelector("#pause");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const films = []; // as loaded so far
let drawn = 0; // how many of them stand in rows; the last row waits until it is full
let cursor = undefined; // undefined: nothing loaded; null: all loaded
let loading = null;

const photoOf = (element) => films.find((film) => film.asset_id === Number(element.dataset.id));
const clips = new Clips(photoOf);
const place = { photos: films };
const viewer = new Viewer({ locate, neighbour, changed: rest });

const page = () => {
  const style = getComputedStyle(wall);
  const width = wall.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return { width, height: width < 600 ? 190 : width < 1100 ? 220 : 264, gap: width < 600 ? 3 : 8 };
};

/** Load the next page; one at a time. */
function more() {
  loading ??= load().finally(() => (loading = null));
  return loading;
}

async function load() {
  if (cursor === null) return;
  const answer = await ask("/photos", { media_type: "video", limit: PAGE, cursor });
  if (cursor === undefined) total(answer.total_count);
  films.push(...answer.photos);
  cursor = answer.next_cursor;
  draw();
}

function total(found) {
  document.querySelector("#total").textContent = found ? `${count(found)} ${found === 1 ? "video" : "videos"}` : "";
  pause.hidden = !found;
  if (!found) wall.replaceChildren(document.querySelector("#empty").content.cloneNode(true));
}

function draw() {
  const layout = page();
  const rows = justify(films.slice(drawn).map(ratioOf), layout);
  if (cursor !== null) rows.pop();
  const from = drawn;
  for (const row of rows) {
    wall.append(rowOf(films.slice(from + row.from, from + row.to), row.height, layout.gap));
    drawn = from + row.to;
  }
}

function rowOf(photos, height, gap) {
  const row = document.createElement("div");
  row.className = "row";
  row.style.height = `${height}px`;
  row.style.marginBottom = row.style.columnGap = `${gap}px`;
  for (const photo of photos) {
    const element = tile(photo, height * ratioOf(photo));
    row.append(element);
    clips.watch(element);
  }
  return row;
}

function redraw() {
  clips.forgetAll();
  wall.replaceChildren();
  drawn = 0;
  draw();
}

async function loadSafely() {
  try {
    await more();
  } catch (error) {
    say(error.message, "Try again", loadSafely);
  }
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

/** Where a film is: {section, index}; null while it has not been scrolled to. */
async function locate(photo) {
  const index = films.findIndex((one) => one.asset_id === photo.asset_id);
  return index < 0 ? null : { section: place, index };
}

async function neighbour({ index }, step) {
  const next = index + step;
  if (next >= films.length) await more();
  return next >= 0 && next < films.length ? { section: place, index: next } : null;
}

/** Nothing plays behind the viewer, nor for somebody who wants none of it. */
function rest() {
  const stopped = pause.getAttribute("aria-pressed") === "true";
  clips.paused = stopped || viewer.isOpen || document.hidden;
  pause.textContent = stopped ? "Play" : "Pause";
}

function togglePause() {
  pause.setAttribute("aria-pressed", String(pause.getAttribute("aria-pressed") !== "true"));
  rest();
}

/** The arrows walk the wall: sideways in order, up and down to the tile nearest above or below. */
function walk(event) {
  const on = event.target.closest?.(".tile");
  const tiles = [...wall.querySelectorAll(".tile")];
  const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const rows = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
  if (!on || !(sideways || rows)) return;
  const middle = (one) => one.getBoundingClientRect().left + one.offsetWidth / 2;
  const beside = rows ? [...(on.parentElement[rows]?.children ?? [])] : [];
  const distance = (one) => Math.abs(middle(one) - middle(on));
  const next = rows ? beside.sort((one, other) => distance(one) - distance(other))[0] : tiles[tiles.indexOf(on) + sideways];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

wall.addEventListener("click", (event) => {
  const chosen = event.target.closest?.(".tile");
  if (!chosen || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  viewer.open({ section: place, index: films.indexOf(photoOf(chosen)) });
});
wall.addEventListener("keydown", walk);
pause.addEventListener("click", togglePause);
document.addEventListener("visibilitychange", rest);
document.addEventListener("keydown", (event) => {
  if (event.key === "p" && !viewer.isOpen && !event.metaKey && !event.ctrlKey && !event.altKey) togglePause();
});
let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width || !films.length) return; // a phone's address bar comes and goes
  width = window.innerWidth;
  redraw();
});

if (calm.matches) {
  togglePause(); // who asked for less motion starts the clips, all or the one pointed at
  playWhenPointedAt(wall);
}
await loadSafely();
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && fill(), { rootMargin: NEAR }).observe(
  document.querySelector("#more"),
);

/** Load until the end is out of sight. */
async function fill() {
  while (cursor && document.querySelector("#more").getBoundingClientRect().top < window.innerHeight + 1200) {
    const before = films.length;
    await loadSafely();
    if (films.length === before) return;
  }
}
