// What a search found, in the grid of the timeline; more is loaded as one scrolls.
import { askUntilReady } from "./api.js";
import { count } from "./format.js";
import { justify, ratioOf } from "./layout.js";
import { playWhenPointedAt } from "./moments.js";
import { completeWhileTyping } from "./search_box.js";
import { tile } from "./sections.js";
import { Viewer } from "./viewer.js";

const PAGE = 200;
const AHEAD = 1400; // pixels below the window that are loaded

const results = document.querySelector("#results");
const total = document.querySelector("#total");
const asked = new URLSearchParams(location.search);
const photos = []; // as loaded so far
let drawn = 0; // how many of them stand in rows; the last row waits until it is full
let cursor = undefined; // undefined: nothing loaded; null: all loaded
let loading = null;

const place = { photos };
const viewer = new Viewer({ locate, neighbour });

const page = () => {
  const style = getComputedStyle(results);
  const width = results.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return { width, height: width < 600 ? 118 : width < 1100 ? 180 : 220, gap: width < 600 ? 3 : 6 };
};

function more() {
  loading ??= load().finally(() => (loading = null));
  return loading;
}

async function load() {
  if (cursor === null) return;
  const wanted = { q: asked.get("q") ?? "", bbox: asked.get("bbox") ?? undefined, limit: PAGE, cursor };
  const answer = await askUntilReady("/search", wanted, (message) => (total.textContent = message));
  if (cursor === undefined) say(answer.total_count);
  photos.push(...answer.photos);
  cursor = answer.next_cursor;
  draw();
}

function say(found) {
  total.classList.remove("wrong");
  total.textContent = found ? `${count(found)} ${found === 1 ? "photo" : "photos"}${asked.get("bbox") ? " in this part of the map" : ""}` : "";
  if (!found) results.replaceChildren(document.querySelector("#empty").content.cloneNode(true));
}

function draw() {
  const layout = page();
  const rows = justify(photos.slice(drawn).map(ratioOf), layout);
  if (cursor !== null) rows.pop();
  const from = drawn;
  for (const row of rows) {
    results.append(rowOf(photos.slice(from + row.from, from + row.to), row.height, layout.gap));
    drawn = from + row.to;
  }
}

function rowOf(some, height, gap) {
  const row = document.createElement("div");
  row.className = "row";
  row.style.height = `${height}px`;
  row.style.marginBottom = `${gap}px`;
  for (const photo of some) row.append(tile(photo, height * ratioOf(photo)));
  return row;
}

async function fill() {
  while (cursor !== null && document.querySelector("#more").getBoundingClientRect().top < window.innerHeight + AHEAD) {
    try {
      await more();
    } catch (error) {
      total.classList.add("wrong");
      total.textContent = error.message;
      return;
    }
  }
}

async function locate(photo) {
  const index = photos.findIndex((one) => one.asset_id === photo.asset_id);
  return index < 0 ? null : { section: place, index };
}

async function neighbour({ index }, step) {
  const next = index + step;
  if (next >= photos.length) await more();
  return next >= 0 && next < photos.length ? { section: place, index: next } : null;
}

results.addEventListener("click", (event) => {
  const chosen = event.target.closest?.(".tile");
  if (!chosen || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  viewer.open({ section: place, index: photos.findIndex((photo) => photo.asset_id === Number(chosen.dataset.id)) });
});
let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width || !photos.length) return; // a phone's address bar comes and goes
  width = window.innerWidth;
  results.replaceChildren();
  drawn = 0;
  draw();
});
window.addEventListener("scroll", fill, { passive: true });
playWhenPointedAt(results);
completeWhileTyping(document.querySelector(".search"));
if (!asked.get("q") && !asked.get("bbox")) document.querySelector("#q").focus();
await fill();
