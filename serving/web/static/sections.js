// The timeline as sections: months, neighbours merged while they hold few photos, large ones in parts of one page each.
// A section loads when it comes near. What it was said to hold only reserves room: what comes is what it holds.
import { ask } from "./api.js";
import { filter } from "./filter.js";
import { describe, duration, monthsTitle } from "./format.js";
import { estimate, justify, ratioOf } from "./layout.js";
import { decodeThumbhash } from "./thumbhash.js";

const FEW = 14; // months of one year are put together up to this many photos
const PAGE = 300;

/** Newest first: [{months: ["2012-08", "2012-07"], count, offset}]; a part of a month begins at its offset. */
export function groupMonths(months) {
  const groups = [];
  for (const { month, count } of months) {
    const last = groups.at(-1);
    if (count > PAGE) {
      for (let offset = 0; offset < count; offset += PAGE) {
        groups.push({ months: [month], count: Math.min(PAGE, count - offset), offset, ends: offset + PAGE >= count });
      }
    } else if (last && last.months[0].slice(0, 4) === month.slice(0, 4) && last.count + count <= FEW) {
      last.months.push(month);
      last.count += count;
    } else {
      groups.push({ months: [month], count, offset: 0, ends: true });
    }
  }
  return groups;
}

/** Sections in order, each knowing the one before it. */
export function makeSections(months, page) {
  let before = null;
  return groupMonths(months).map((group) => (before = new Section(group, page, before)));
}

export class Section {
  /**
   * @param {{months: string[], count: number, offset: number, ends: boolean}} group
   * @param {() => object} page the present width and row height
   * @param {?Section} before
   */
  constructor(group, page, before) {
    this.offset = group.offset;
    this.ends = group.ends; // the last part of its months: whatever is left belongs to it
    this.before = group.offset ? before : null; // the part before it
    this.head = this.before?.head ?? this;
    this.shown = 0; // photos that have tiles
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

  /** Keep the room that photos without tiles will need. */
  reserve() {
    const page = this.page();
    const missing = this.complete ? 0 : Math.max(0, this.count - this.photos.length);
    const hidden = justify(this.photos.slice(this.shown).map(ratioOf), page);
    const room = hidden.reduce((sum, row) => sum + row.height + page.gap, 0) + estimate(missing, page);
    this.grid.style.paddingBottom = `${room}px`;
    this.element.hidden = this.complete && !this.photos.length;
  }

  /** Load the next page of this section, one at a time. It is not drawn: that moves what is below. */
  load() {
    this.loading ??= this.#more().finally(() => (this.loading = null));
    return this.loading;
  }

  async #more() {
    if (this.complete) return;
    const from = this.cursor ?? this.before?.next; // behind the part before, whatever became of it; else by counting
    if (from === null) {
      this.cursor = this.next = null; // the part before was the last after all
      return;
    }
    const answer = await ask("/photos", {
      month: this.first === this.last ? this.last : `${this.first}/${this.last}`,
      limit: PAGE,
      cursor: from,
      offset: from || !this.offset ? undefined : this.offset,
      ...filter,
    });
    this.photos.push(...answer.photos);
    this.next = answer.photos.length ? answer.next_cursor : null;
    this.cursor = this.ends ? this.next : null;
  }

  async loadAll() {
    while (!this.complete) await this.load();
  }

  draw() {
    const page = this.page();
    const rows = justify(this.photos.map(ratioOf), page);
    this.shown = this.photos.length;
    this.grid.replaceChildren(...rows.map((row) => this.#row(row, page)));
    this.reserve();
  }

  /** Far away: keep the height, drop the tiles. */
  clear() {
    if (!this.grid.childElementCount) return;
    this.grid.style.paddingBottom = `${this.grid.offsetHeight}px`;
    this.grid.replaceChildren();
    this.shown = 0;
  }

  /** Whether all that is loaded has tiles. */
  get drawn() {
    return this.shown === this.photos.length;
  }

  /** Where a photo is or would be in what is loaded: -1 before all of it, `photos.length` behind it. */
  positionOf(photo) {
    const index = this.photos.findIndex((one) => one.asset_id === photo.asset_id);
    if (index >= 0 || !this.photos.length || newer(photo, this.photos[0])) return index;
    const next = this.photos.findIndex((one) => newer(photo, one));
    return next < 0 ? this.photos.length : next;
  }

  /** The first tile that reaches below a line of the window. */
  tileBelow(line) {
    const row = [...this.grid.children].find((one) => one.getBoundingClientRect().bottom > line);
    return row?.firstElementChild ?? null;
  }

  tileOf(photo) {
    return this.grid.querySelector(`[data-id="${photo.asset_id}"]`);
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

/** The order of the timeline. */
function newer(one, other) {
  return one.order_at > other.order_at || (one.order_at === other.order_at && one.asset_id > other.asset_id);
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
