// Photos that move a little (Live and motion photos) and films in the grid: they play while they are pointed at, pressed
// or walked to with the keyboard; in the viewer, when asked.
import { describe } from "./format.js";

const SETTLE_MS = 140; // a pointer on its way to somewhere else starts nothing
const PRESS_MS = 320;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** A muted, looping clip on a tile; it shows once it moves. */
export function putClip(tile) {
  const clip = document.createElement("video");
  [clip.muted, clip.loop, clip.playsInline] = [true, true, true];
  clip.setAttribute("aria-hidden", "true"); // the picture beneath has the words
  clip.tabIndex = -1;
  clip.disablePictureInPicture = true;
  clip.addEventListener("playing", () => tile.classList.add("playing"));
  clip.addEventListener("error", () => clip.isConnected && takeClip(tile)); // gone, or a format this browser does not know
  clip.src = tile.dataset.clip;
  tile.append(clip);
  return clip;
}

export function takeClip(tile) {
  tile.classList.remove("playing");
  for (const clip of tile.querySelectorAll("video")) {
    clip.remove();
    clip.removeAttribute("src");
    clip.load(); // lets go of the connection and the decoder
  }
}

/** Let the tiles inside *root* that have a clip play while somebody shows interest in one. */
export function playWhenPointedAt(root) {
  let tile = null;
  let timer = 0;
  let pressed = false;

  const stop = () => {
    clearTimeout(timer);
    if (tile) takeClip(tile);
    tile = null;
  };
  const start = (chosen, wait) => {
    if (chosen === tile) return;
    stop();
    tile = chosen;
    timer = setTimeout(() => putClip(chosen).play().catch(() => undefined), wait);
  };
  const found = (event) => event.target.closest?.("a.tile[data-clip]");

  root.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const over = found(event);
    if (over && !calm.matches) start(over, SETTLE_MS);
    else if (!over) stop();
  });
  root.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && stop());
  root.addEventListener("focusin", (event) => {
    const on = found(event);
    if (on?.matches(":focus-visible") && !calm.matches) start(on, SETTLE_MS);
  });
  root.addEventListener("focusout", stop);

  // A finger: press and hold.
  root.addEventListener("pointerdown", (event) => {
    pressed = false;
    const on = found(event);
    if (event.pointerType === "mouse" || !on) return;
    start(on, PRESS_MS);
    setTimeout(() => (pressed = tile === on), PRESS_MS);
  });
  for (const over of ["pointerup", "pointercancel"]) {
    root.addEventListener(over, (event) => event.pointerType !== "mouse" && stop());
  }
  root.addEventListener("contextmenu", (event) => pressed && found(event) && event.preventDefault());
  root.addEventListener("click", (event) => {
    if (!pressed) return;
    pressed = false;
    event.preventDefault(); // it was held to see it move, not to open it
    event.stopImmediatePropagation();
  }, { capture: true });
}

/** The moving part of a photo in the viewer, played once over it, with its sound. */
export class Moment {
  #photo;
  #picture;
  #button;

  constructor(photo, picture, button) {
    [this.#photo, this.#picture, this.#button] = [photo, picture, button];
    button.setAttribute("aria-pressed", "false");
  }

  toggle() {
    const clip = this.#picture.querySelector("video.moment");
    if (clip) return this.#end(clip);
    const film = document.createElement("video");
    film.className = "moment";
    film.playsInline = true;
    film.setAttribute("aria-label", `${describe(this.#photo)}, moving`);
    film.addEventListener("ended", () => this.#end(film));
    film.addEventListener("error", () => this.#end(film));
    film.src = this.#photo.clip_url;
    this.#picture.append(film);
    this.#button.setAttribute("aria-pressed", "true");
    return film.play().catch(() => this.#end(film));
  }

  #end(film) {
    film.remove();
    this.#button.setAttribute("aria-pressed", "false");
  }
}
