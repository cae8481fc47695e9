// Where photos were taken: outlines and a graticule that are dragged and zoomed, and clusters upon them. Nothing is fetched from elsewhere.
import { ask } from "./api.js";
import { count } from "./format.js";
import { drawLand, loadLand } from "./land.js";

const MAX_ZOOM = 18;
const LOAD_MS = 180;
const map = document.querySelector("#map");
const canvas = map.querySelector("canvas");
const pins = map.querySelector(".pins");
const notice = document.querySelector("#notice");
const view = { longitude: 10, latitude: 20, zoom: 1 };
let clusters = [];
let waiting = 0;

const perDegree = () => (256 * 2 ** view.zoom) / 360; // pixels
const wrapped = (longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180;

/** Where on the page; the copy of the world nearest to the middle. */
function spot(longitude, latitude) {
  return {
    x: map.clientWidth / 2 + wrapped(longitude - view.longitude) * perDegree(),
    y: map.clientHeight / 2 - (latitude - view.latitude) * perDegree(),
  };
}

function bounds() {
  const wide = map.clientWidth / perDegree() / 2;
  const high = map.clientHeight / perDegree() / 2;
  const south = Math.max(-90, Math.min(89, view.latitude - high));
  const north = Math.min(90, Math.max(-89, view.latitude + high));
  if (wide > 179.9) return [-180, south, 180, north]; // the whole world, whatever rounding makes of it
  return [wrapped(view.longitude - wide), south, wrapped(view.longitude + wide), north];
}

async function load() {
  const box = bounds().map((side) => side.toFixed(6));
  try {
    const answer = await ask("/map/clusters", { bbox: box.join(","), zoom: Math.max(0, Math.round(view.zoom) - 1) });
    clusters = answer.clusters.slice(0, 300);
    document.querySelector("#total").textContent = `${count(answer.total)} ${answer.total === 1 ? "photo" : "photos"} here`;
    notice.hidden = true;
  } catch (error) {
    notice.replaceChildren(error.message);
    notice.hidden = false;
  }
  pins.replaceChildren(...clusters.map(pin));
  setPins();
}

function pin(cluster) {
  const link = document.createElement("a");
  link.className = "pin";
  link.href = `/?bbox=${encodeURIComponent(widened(cluster.bbox))}`;
  link.draggable = false;
  link.ariaLabel = `${count(cluster.count)} ${cluster.count === 1 ? "photo" : "photos"}${cluster.place ? `, ${cluster.place}` : ""}`;
  const frame = document.createElement("i");
  if (cluster.cover_url) {
    const image = new Image();
    image.alt = "";
    image.draggable = false;
    image.src = cluster.cover_url;
    frame.append(image);
  }
  const number = document.createElement("b");
  number.textContent = count(cluster.count);
  link.append(frame, number);
  if (cluster.place) {
    const name = document.createElement("span");
    name.textContent = cluster.place;
    link.append(name);
  }
  return link;
}

/** A hair more, since the sides were rounded. */
function widened(bbox) {
  const [west, south, east, north] = bbox.split(",").map(Number);
  const inside = (value, limit) => Math.min(limit, Math.max(-limit, value));
  return [inside(west - 1e-6, 180), inside(south - 1e-6, 90), inside(east + 1e-6, 180), inside(north + 1e-6, 90)]
    .map((side) => side.toFixed(7))
    .join(",");
}

/** A name is left out where a fuller cluster's would lie under it. */
function setPins() {
  const named = [];
  [...pins.children].forEach((element, index) => {
    const { x, y } = spot(clusters[index].longitude, clusters[index].latitude);
    element.style.left = `${x}px`;
    element.style.top = `${y}px`;
    const crowded = named.some((other) => Math.abs(other.x - x) < 110 && Math.abs(other.y - y) < 84);
    element.classList.toggle("crowded", crowded);
    if (!crowded) named.push({ x, y });
  });
}

function draw() {
  const scale = window.devicePixelRatio || 1;
  canvas.width = map.clientWidth * scale;
  canvas.height = map.clientHeight * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const step = [45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001].find((one) => one * perDegree() < 170) ?? 0.001;
  const [high, wide] = [map.clientHeight / perDegree() / 2, map.clientWidth / perDegree() / 2];
  pen.font = "11px system-ui, sans-serif";
  const top = Math.max(0, map.clientHeight / 2 - (90 - view.latitude) * perDegree());
  const bottom = Math.min(map.clientHeight, map.clientHeight / 2 + (90 + view.latitude) * perDegree());
  pen.fillStyle = "#151a21";
  pen.fillRect(0, top, map.clientWidth, bottom - top);
  const origin = { x: map.clientWidth / 2 - view.longitude * perDegree(), y: map.clientHeight / 2 + view.latitude * perDegree() };
  drawLand(pen, origin, perDegree(), view.zoom, map.clientWidth);
  for (let line = Math.ceil((view.longitude - wide) / step) * step; line <= view.longitude + wide; line += step) {
    const x = map.clientWidth / 2 + (line - view.longitude) * perDegree();
    stroke(pen, x, top, x, bottom, Math.abs(wrapped(line)) < 1e-9);
    label(pen, degrees(wrapped(line), "E", "W", step), x + 4, bottom - 8);
  }
  for (let line = Math.ceil((view.latitude - high) / step) * step; line <= view.latitude + high; line += step) {
    if (Math.abs(line) > 90 + 1e-9) continue;
    const y = map.clientHeight / 2 - (line - view.latitude) * perDegree();
    stroke(pen, 0, y, map.clientWidth, y, Math.abs(line) < 1e-9);
    label(pen, degrees(line, "N", "S", step), 6, y - 4);
  }
  setPins();
}

function stroke(pen, fromX, fromY, toX, toY, main) {
  pen.strokeStyle = main ? "#4a5566" : "#252c36";
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

function label(pen, text, x, y) {
  pen.fillStyle = "#6f7a8a";
  pen.fillText(text, x, y);
}

function degrees(value, plus, minus, step) {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return `${Math.abs(value).toFixed(step < 1 ? digits : 0)}°${Math.abs(value) < 1e-9 ? "" : value < 0 ? minus : plus}`;
}

function changed() {
  view.longitude = wrapped(view.longitude);
  view.latitude = Math.max(-90, Math.min(90, view.latitude));
  draw();
  clearTimeout(waiting);
  waiting = setTimeout(load, LOAD_MS);
}

/** Zoom so that what is under a point of the page stays there. */
function zoomBy(by, x = map.clientWidth / 2, y = map.clientHeight / 2) {
  const before = perDegree();
  view.zoom = Math.max(0, Math.min(MAX_ZOOM, view.zoom + by));
  const [right, up] = [x - map.clientWidth / 2, map.clientHeight / 2 - y];
  view.longitude += right / before - right / perDegree();
  view.latitude += up / before - up / perDegree();
  changed();
}

/** Where on the map an event is. */
function placeOf({ clientX, clientY }) {
  const box = map.getBoundingClientRect();
  return [clientX - box.left, clientY - box.top];
}

const fingers = new Map();
let moved = false;
map.addEventListener("pointerdown", (event) => {
  if (event.target.closest(".zoom")) return;
  fingers.set(event.pointerId, event);
  moved = false;
});
window.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const [right, down] = [event.clientX - before.clientX, event.clientY - before.clientY];
  if (!moved && Math.hypot(right, down) < 4) return;
  moved = true;
  if (fingers.size === 2) {
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    const apart = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
    fingers.set(event.pointerId, event);
    const middle = placeOf({ clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
    return void zoomBy(Math.log2(Math.max(1, apart(event)) / Math.max(1, apart(before))), ...middle);
  }
  fingers.set(event.pointerId, event);
  view.longitude -= right / perDegree();
  view.latitude += down / perDegree();
  changed();
});
for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, (event) => fingers.delete(event.pointerId));
pins.addEventListener("click", (event) => moved && event.preventDefault()); // a drag that ended on a pin
map.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomBy(-event.deltaY / 400, ...placeOf(event));
}, { passive: false });
map.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (button) zoomBy(Number(button.dataset.zoom));
});
document.addEventListener("keydown", (event) => {
  const step = 80 / perDegree();
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "+" || event.key === "=") zoomBy(1);
  else if (event.key === "-") zoomBy(-1);
  else if (moves[event.key]) {
    view.longitude += moves[event.key][0];
    view.latitude += moves[event.key][1];
    changed();
  } else return;
  event.preventDefault();
});
window.addEventListener("resize", changed);

view.zoom = Math.max(0, Math.log2(Math.max(map.clientWidth, 360) / 256));
draw();
loadLand().then(draw, () => undefined); // a map without outlines is still one
await load();
