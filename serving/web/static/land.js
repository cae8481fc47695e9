// The outlines of land under the map of photos: Natural Earth's coarsest, which is in the public domain and comes with us.
import { ask } from "./api.js";

const SHARPEST = 9; // zoom from which outlines that are tenths of a degree off would only mislead

/** All of it as one path, in degrees, north up; null until it has come. */
let land = null;

/** Throws ApiError. */
export async function loadLand() {
  const { rings } = await ask("/static/land.json");
  const path = new Path2D();
  for (const ring of rings) outline(path, ring);
  land = path;
}

function outline(path, steps) {
  let [x, y] = [0, 0];
  for (let at = 0; at < steps.length; at += 2) {
    [x, y] = [x + steps[at], y + steps[at + 1]];
    if (at) path.lineTo(x / 10, -y / 10);
    else path.moveTo(x / 10, -y / 10);
  }
  path.closePath();
}

/** Draw the copies of the world that are in sight. `place` is where 0° N 0° E lies, pixels; `perDegree` pixels, too. */
export function drawLand(pen, place, perDegree, zoom, width) {
  if (!land || zoom >= SHARPEST) return;
  for (let turn = -1; turn <= 1; turn += 1) {
    const x = place.x + turn * 360 * perDegree;
    if (x + 180 * perDegree < 0 || x - 180 * perDegree > width) continue;
    pen.save();
    pen.translate(x, place.y);
    pen.scale(perDegree, perDegree);
    pen.fillStyle = "#232a33";
    pen.fill(land);
    pen.strokeStyle = "#3a4552";
    pen.lineWidth = 0.8 / perDegree;
    pen.stroke(land);
    pen.restore();
  }
}
