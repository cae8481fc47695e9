// One photo, large: picture or film, what is known of it, the way to the next. Its address can be sent and bookmarked.
import { ask, imageUrl } from "./api.js";
import { FaceBoxes } from "./faces.js";
import { Film } from "./film.js";
import { describe } from "./format.js";
import { Moment } from "./moments.js";
import { fillPanel } from "./panel.js";
import { Heart } from "./organise.js";
import { canvasOf } from "./sections.js";
import { decodeThumbhash } from "./thumbhash.js";
import { Zoom } from "./zoom.js";

const LARGE_PX = 2048; // the long edge of the picture that is shown first
const SHOWN_BY_BROWSERS = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/bmp"];
const PAN_PX = 120; // one press of an arrow while the picture is zoomed
const WIDE = 1000; // from here on the panel is beside the picture, and open to begin with

export class Viewer {
  #dialog = document.querySelector("#viewer");
  #picture = this.#dialog.querySelector(".picture");
  #ground = this.#dialog.querySelector(".ground");
  #note = this.#dialog.querySelector(".note");
  #panel = this.#dialog.querySelector(".panel");
  #place = null;
  #photo = null;
  #opener = null;
  #showPanel = window.innerWidth >= WIDE;
  #busy = false;
  #faces = new FaceBoxes(this.#picture, this.#dialog.querySelector(".who"), (message) => this.#say(message), this.#dialog.dataset.role === "owner");
  #heart = new Heart(this.#dialog.querySelector(".heart"), (message) => this.#say(message));
  #playing = null; // a Film, or the Moment of a photo that moves
  #zoom;
  #byAddress = location.pathname.startsWith("/view/"); // this page was loaded at a photo's own address
  #home = this.#byAddress ? "/" : location.pathname + location.search;
  #title = document.title;

  /** @param {{locate: Function, neighbour: Function, changed?: (open: boolean) => void}} page */
  constructor({ locate, neighbour, changed = () => undefined }) {
    this.locate = locate;
    this.neighbour = neighbour;
    this.changed = changed;
    const on = (selector, act) => this.#dialog.querySelector(selector).addEventListener("click", act);
    on(".close", () => this.leave());
    on(".previous", () => this.step(-1));
    on(".next", () => this.step(1));
    on(".info", () => this.togglePanel());
    on(".heart", () => this.#heart.toggle());
    on(".who", () => this.#faces.toggle());
    on(".live", () => this.#playing?.toggle());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.leave();
    });
    on(".zoom-level", () => this.#zoom.reset());
    document.addEventListener("keydown", (event) => this.isOpen && this.#key(event)); // focus may have left with a film
    this.#zoom = new Zoom(this.#dialog.querySelector(".stage"), this.#picture, {
      step: (direction) => this.step(direction),
      leave: () => this.leave(),
      zoomed: (scale) => this.#tellZoom(scale),
      settled: (devicePixels) => this.#sharpen(devicePixels),
    });
    window.addEventListener("popstate", () => this.followAddress());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Open the photo at a place of the timeline, under its own address. */
  open(place) {
    this.#opener = document.activeElement;
    const photo = place.section.photos[place.index];
    history.pushState({ inside: true }, "", `/view/${photo.asset_id}`);
    this.#show(photo, place);
  }

  /** Close: back to where it was opened from, or to the timeline when somebody came by the address. */
  leave() {
    if (history.state?.inside) history.back();
    else {
      history.replaceState(null, "", this.#home);
      this.#close();
    }
  }

  /** Make the page fit its address: after a link, a reload, the back button. */
  async followAddress() {
    const found = location.pathname.match(/^\/view\/(\d+)$/);
    if (!found) {
      if (this.#byAddress && location.pathname + location.search !== this.#home) return location.reload(); // back to another page
      return this.#close();
    }
    if (this.#photo?.asset_id === Number(found[1]) && this.isOpen) return undefined;
    try {
      const photo = await ask(`/photos/${found[1]}`);
      this.#show(photo, await this.locate(photo));
    } catch (error) {
      this.#sayOnly(error.status === 404 ? "This photo is no longer in your library. It may have been moved or deleted." : error.message);
    }
    return undefined;
  }

  async step(direction) {
    if (!this.#place || this.#busy) return;
    this.#busy = true;
    try {
      const place = await this.neighbour(this.#place, direction);
      if (place) {
        const photo = place.section.photos[place.index];
        history.replaceState(history.state, "", `/view/${photo.asset_id}`);
        this.#show(photo, place);
      }
    } catch (error) {
      this.#say(error.message);
    } finally {
      this.#busy = false;
    }
  }

  togglePanel() {
    this.#showPanel = !this.#showPanel;
    this.#drawPanel();
  }

  #show(photo, place) {
    [this.#photo, this.#place] = [photo, place];
    this.#zoom.reset();
    document.title = `${photo.file_name} · Darkroom`;
    this.#dialog.setAttribute("aria-label", describe(photo));
    this.#dialog.querySelector(".name").textContent = photo.file_name;
    const download = this.#dialog.querySelector(".download");
    download.href = imageUrl(photo, "full");
    download.download = photo.file_name;
    this.#note.hidden = true;
    this.#drawGround(photo);
    const live = this.#dialog.querySelector(".live");
    live.hidden = photo.media_type === "video" || !photo.clip_url;
    if (photo.media_type === "video") this.#film(photo);
    else this.#still(photo);
    this.#faces.show(photo);
    this.#heart.show(photo);
    for (const button of this.#dialog.querySelectorAll(".previous, .next")) button.hidden = !place;
    if (!this.isOpen) {
      this.#dialog.showModal();
      this.#dialog.focus(); // not the film: the arrows are to walk, not to wind
      this.changed(true);
    }
    this.#drawPanel();
    this.#prepareNeighbours();
  }

  #drawGround(photo) {
    const pixels = photo.thumbhash && decodeThumbhash(photo.thumbhash);
    this.#ground.hidden = !pixels;
    if (pixels) canvasOf(pixels, this.#ground);
  }

  /** The thumbnail at once, the large picture when it has come. */
  #still(photo) {
    const moving = photo.mime_type === "image/gif";
    this.#playing = photo.clip_url && new Moment(photo, this.#picture, this.#dialog.querySelector(".live"));
    const image = this.#imageOf(photo, photo.thumb_url);
    this.#picture.replaceChildren(image);
    this.#fit(image, photo);
    const large = new Image();
    large.src = imageUrl(photo, moving ? "full" : "large");
    large
      .decode()
      .then(() => this.#photo === photo && !image.dataset.full && (image.src = large.src))
      .catch(() => this.#explain(photo));
  }

  /** The original's own pixels, once the zoom shows more than the large picture has; where a browser can decode them. */
  async #sharpen(devicePixels) {
    const photo = this.#photo;
    const image = this.#picture.querySelector("img");
    const largeWidth = photo.width * Math.min(1, LARGE_PX / Math.max(photo.width, photo.height));
    if (!image || image.dataset.full || !(devicePixels > largeWidth) || !(photo.width > largeWidth)) return;
    if (!SHOWN_BY_BROWSERS.includes(photo.mime_type)) return;
    image.dataset.full = "loading";
    const full = new Image();
    full.src = imageUrl(photo, "full");
    try {
      await full.decode();
      image.src = full.src;
      image.dataset.full = "shown";
    } catch {
      if (this.#photo === photo) this.#say("The original could not be loaded. You are looking at a smaller copy of it.");
    }
  }

  #tellZoom(scale) {
    const level = this.#dialog.querySelector(".zoom-level");
    level.hidden = scale === 1;
    level.textContent = `${Math.round(scale * 100)} %`;
    level.setAttribute("aria-label", `Zoomed to ${Math.round(scale * 100)} %. Show the whole picture`);
  }

  #imageOf(photo, source) {
    const image = new Image();
    image.alt = describe(photo);
    if (source) image.src = source;
    return image;
  }

  /** The size it will have, so that the thumbnail stands where the large picture will. */
  #fit(image, photo) {
    if (photo.width && photo.height) [image.width, image.height] = [photo.width, photo.height];
  }

  #film(photo) {
    this.#playing = new Film(photo, {
      show: (element) => {
        this.#fit(element, photo);
        this.#picture.replaceChildren(element);
      },
      still: () => (photo.thumb_url ? this.#imageOf(photo, photo.thumb_url) : document.createElement("span")),
      say: (message) => (message ? this.#say(message) : (this.#note.hidden = true)),
      isCurrent: () => this.#photo === photo,
    });
  }

  /** Why there is no large picture: what the scan wrote down. */
  async #explain(photo) {
    let message = "This photo could not be loaded.";
    try {
      const { failures } = await ask("/image/metadata", { path: photo.path, library: photo.library_id });
      const why = failures.find(({ stage }) => stage === "thumbnail" || stage === "hash");
      if (why) message = `This file cannot be shown: ${why.message}`;
    } catch (error) {
      message = error.message;
    }
    if (this.#photo !== photo) return;
    if (!photo.thumb_url) this.#picture.replaceChildren(); // no broken-image sign where nothing can be shown
    this.#say(message);
  }

  #say(message) {
    this.#note.textContent = message.charAt(0).toUpperCase() + message.slice(1);
    this.#note.hidden = false;
  }

  #sayOnly(message) {
    this.#photo = this.#place = null;
    this.#zoom.reset();
    this.#picture.replaceChildren();
    this.#ground.hidden = true;
    this.#panel.hidden = true;
    for (const button of this.#dialog.querySelectorAll(".previous, .next")) button.hidden = true;
    if (!this.isOpen) this.#dialog.showModal();
    this.#say(message);
  }

  #drawPanel() {
    const open = this.#showPanel && this.#photo !== null;
    this.#panel.hidden = !open;
    this.#dialog.classList.toggle("with-panel", open);
    this.#dialog.querySelector(".info").setAttribute("aria-pressed", String(open));
    if (open) fillPanel(this.#panel, this.#photo, this.#dialog.dataset.role === "owner");
  }

  /** Fetch the pictures beside this one while it is being looked at. */
  async #prepareNeighbours() {
    const place = this.#place;
    if (!place) return;
    for (const step of [1, -1]) {
      const photo = place.section.photos[place.index + step];
      if (photo && photo.media_type !== "video" && photo.thumb_url) new Image().src = imageUrl(photo, "large");
    }
  }

  #close() {
    const shown = this.#photo?.asset_id;
    document.title = this.#title;
    this.#picture.replaceChildren(); // a film must not play on
    this.#zoom.reset();
    this.#faces.show(null);
    this.#heart.show(null);
    [this.#photo, this.#place, this.#playing] = [null, null, null];
    if (this.isOpen) {
      this.#dialog.close();
      this.changed(false);
    }
    const tile = shown && document.querySelector(`.tile[data-id="${shown}"]`); // where one has walked to
    (tile ?? this.#opener)?.focus?.({ preventScroll: true });
    this.#opener = null;
  }

  #keys = {
    ArrowLeft: () => this.step(-1),
    ArrowRight: () => this.step(1),
    "+": () => this.#zoom.step(1),
    "=": () => this.#zoom.step(1), // + without shift
    "-": () => this.#zoom.step(-1),
    0: () => this.#zoom.reset(),
    i: () => this.togglePanel(),
    " ": () => this.#playing?.toggle(),
    l: () => this.#playing?.toggle(),
    f: () => this.#faces.toggle(),
    h: () => this.#heart.toggle(),
  };

  /** While the picture is zoomed the arrows move it. */
  #panKeys = {
    ArrowLeft: () => this.#zoom.moveBy(-PAN_PX, 0),
    ArrowRight: () => this.#zoom.moveBy(PAN_PX, 0),
    ArrowUp: () => this.#zoom.moveBy(0, -PAN_PX),
    ArrowDown: () => this.#zoom.moveBy(0, PAN_PX),
  };

  #key(event) {
    if (event.target.closest?.("input, textarea, select")) return; // somebody is writing
    if (event.target.closest?.("video") && event.key !== "i") return; // the film's own keys
    if (event.key === " " && event.target.closest?.("button, a, summary")) return; // a button's own key
    const act = (this.#zoom.isZoomed && this.#panKeys[event.key]) || this.#keys[event.key];
    if (!act || event.metaKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    act();
  }
}
