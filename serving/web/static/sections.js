// The timeline as sections: months, neighbours merged while they hold few photos. Each loads when it comes near.
import { ask } from "./api.js";
import { filter } from "./filter.js";
import { describe, duration, monthsTitle } from "./format.js";
import { estimate, justify, ratioOf } from "./layout.js";
import { decodeThumbhash } from "./thumbhash.js";

const FEW = 14; // months of one year are put together up to this many photos
const PAGE = 300;

/** Newest first: [{months: ["2012-08", "2012-07"], count}]. */
export function groupMonths(months) {
  const groups = [];
  for (const { month, count } of months) {
    const last = groups.at(-1);
    if (last && last.months[0].slice(0, 4) === month.slice(0, 4) && last.count + count <= FEW) {
      last.months.push(month);
      last.count += count;
    } else {
      groups.push({ months: [month], count });
    }
  }
  return groups;
}

export class Section {
  /** @param {{months: string[], count: number}} group  @param {() => object} page the present width and row height */
  constructor(group, page) {
    this.count = group.count;
    this.first = group.months.at(-1);
    this.last = group.months[0];
    this.title = monthsTitle(this.first, this.last);
    this.page = page;
    this.photos = [];
    this.cursor = undefined; // undefined: nothing loaded; null: all loaded
    this.loading = null;
    this.element = document.createElement("section");
    this.element.className = "months";
    this.element.dataset.month = this.last;
    const heading = document.createElement("h2");
    heading.textContent = this.title;
    this.grid = document.createElement("div");
    this.grid.className = "grid";
    this.element.append(heading, this.grid);
    this.reserve();
  }

  get complete() {
    return this.cursor === null;
  }

  holds(month) {
    return this.first <= month && month <= this.last;
  }

  /** Keep the room that what is not loaded yet will need. */
  reserve() {
    const missing = Math.max(0, this.count - this.photos.length);
    const room = this.complete ? 0 : estimate(missing, this.page());
    this.grid.style.paddingBottom = `${room}px`;
  }

  /** Load the next page of this section; one at a time. */
  load() {
    this.loading ??= this.#more().finally(() => (this.loading = null));
    return this.loading;
  }

  async #more() {
    if (this.complete) return;
    const answer = await ask("/photos", {
      month: this.first === this.last ? this.last : `${this.first}/${this.last}`,
      limit: PAGE,
      cursor: this.cursor,
      ...filter,
    });
    this.photos.push(...answer.photos);
    this.cursor = answer.next_cursor;
    this.draw();
  }

  async loadAll() {
    while (!this.complete) await this.load();
  }

  draw() {
    const page = this.page();
    const rows = justify(this.photos.map(ratioOf), page);
    this.grid.replaceChildren(...rows.map((row) => this.#row(row, page)));
    this.reserve();
  }

  /** Far away: keep the height, drop the tiles. */
  clear() {
    if (!this.grid.childElementCount) return;
    this.grid.style.paddingBottom = `${this.grid.offsetHeight}px`;
    this.grid.replaceChildren();
  }

  get drawn() {
    return this.grid.childElementCount > 0;
  }

  #row({ from, to, height }, { gap }) {
    const row = document.createElement("div");
    row.className = "row";
    row.style.height = `${height}px`;
    row.style.marginBottom = `${gap}px`;
    for (const photo of this.photos.slice(from, to)) row.append(tile(photo, height * ratioOf(photo)));
    return row;
  }
}

export function tile(photo, width) {
  const link = document.createElement("a");
  link.className = "tile";
  link.href = `/view/${photo.asset_id}`;
  link.dataset.id = photo.asset_id;
  if (photo.clip_url) link.dataset.clip = photo.clip_url;
  link.style.width = `${width}px`;
  const image = photo.thumb_url ? thumbnail(photo, link) : null;
  if (!image) link.append(nameplate(photo));
  link.append(...badges(photo));
  return link;
}

function thumbnail(photo, link) {
  const pixels = photo.thumbhash && decodeThumbhash(photo.thumbhash);
  const ground = pixels && canvasOf(pixels);
  if (ground) link.append(ground);
  const image = new Image();
  image.alt = describe(photo);
  image.loading = "lazy";
  image.decoding = "async";
  image.addEventListener("load", () => {
    link.classList.add("ready");
    setTimeout(() => ground?.remove(), 400);
  });
  image.addEventListener("error", () => image.replaceWith(nameplate(photo)));
  image.src = photo.thumb_url;
  link.append(image);
  return image;
}

export function canvasOf(pixels, canvas = document.createElement("canvas")) {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** Instead of a picture: what the file is called. */
function nameplate(photo) {
  const plate = document.createElement("span");
  plate.className = "plate";
  plate.textContent = photo.file_name;
  plate.title = `${describe(photo)}: no thumbnail`;
  return plate;
}

function badges(photo) {
  const texts = [];
  if (photo.media_type === "video") texts.push(["video", photo.duration_s ? duration(photo.duration_s) : "Video"]);
  if (photo.media_type === "raw") texts.push(["raw", "RAW"]);
  if (photo.live_video !== null) texts.push(["motion", "Live"]);
  else if (photo.motion_video) texts.push(["motion", "Motion"]);
  return texts.map(([kind, text]) => {
    const badge = document.createElement("span");
    badge.className = `badge ${kind}`;
    badge.textContent = text;
    return badge;
  });
}
