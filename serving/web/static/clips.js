// Clips that play by themselves while they are in the window: put there as they come near, taken away when they are far.
// One that has not been made yet is asked for, and looked after until it is there.
import { send } from "./api.js";
import { putClip, takeClip } from "./moments.js";

const NEAR = "240px 0px";
const FAR = "1600px 0px";
const SOON_MS = 150; // so that the tiles of one look at the wall make one question
const LOOK_AGAIN_MS = 2000;
const AT_ONCE = 50; // paths in one question

export class Clips {
  #inSight = new Set();
  #paused = false;
  #wanted = new Map(); // tile -> photo: they wait for their clips
  #timer = 0;
  #photoOf;
  #near = new IntersectionObserver((entries) => entries.forEach((entry) => this.#came(entry)), { rootMargin: NEAR });
  #far = new IntersectionObserver((entries) => entries.forEach((entry) => this.#went(entry)), { rootMargin: FAR });

  /** @param {(tile: HTMLElement) => object} photoOf */
  constructor(photoOf) {
    this.#photoOf = photoOf;
  }

  watch(tile) {
    this.#near.observe(tile);
    this.#far.observe(tile);
  }

  /** The tiles are about to be replaced. */
  forgetAll() {
    this.#near.disconnect();
    this.#far.disconnect();
    for (const tile of this.#inSight) takeClip(tile);
    this.#inSight.clear();
    this.#wanted.clear();
  }

  set paused(paused) {
    this.#paused = paused;
    for (const tile of this.#inSight) this.#tend(tile);
  }

  #came({ target, isIntersecting }) {
    if (isIntersecting) this.#inSight.add(target);
    else this.#inSight.delete(target);
    this.#tend(target);
  }

  #went({ target, isIntersecting }) {
    if (!isIntersecting) takeClip(target);
  }

  /** Make a tile be as it should: playing, standing still, or waiting for its clip. */
  #tend(tile) {
    const play = this.#inSight.has(tile) && !this.#paused;
    if (!play) return tile.querySelector("video")?.pause();
    if (!tile.dataset.clip) return this.#want(tile);
    const clip = tile.querySelector("video") ?? putClip(tile);
    return clip.play().catch(() => undefined); // scrolled away before it began
  }

  #want(tile) {
    const photo = this.#photoOf(tile);
    if (photo.clip_failed) return;
    this.#wanted.set(tile, photo);
    this.#lookLater(SOON_MS);
  }

  #lookLater(wait) {
    this.#timer ||= setTimeout(async () => {
      await this.#look();
      this.#timer = 0;
      if (this.#wanted.size) this.#lookLater(LOOK_AGAIN_MS);
    }, wait);
  }

  /** How far the clips are, of the tiles that can be seen. */
  async #look() {
    for (const tile of this.#wanted.keys()) if (!this.#inSight.has(tile)) this.#wanted.delete(tile);
    const asked = [...this.#wanted].slice(0, AT_ONCE);
    for (const library of new Set(asked.map(([, photo]) => photo.library_id))) {
      const tiles = asked.filter(([, photo]) => photo.library_id === library);
      const paths = tiles.map(([, photo]) => photo.path);
      const answer = await send("POST", "/video/preview/status", { paths, library }).catch(() => null);
      const heard = answer?.previews.map((preview, index) => this.#heard(...tiles[index], preview));
      await Promise.all(heard ?? []);
    }
  }

  #heard(tile, photo, { status, preview_url: url }) {
    if (status === "pending") return this.#begin(tile, photo);
    if (status === "processing") return undefined;
    this.#wanted.delete(tile);
    if (status === "failed") return (photo.clip_failed = true);
    photo.clip_url = tile.dataset.clip = url;
    return this.#tend(tile);
  }

  /** Asking for the clip makes it. What the server cannot do now is left until the page is loaded again. */
  async #begin(tile, photo) {
    const query = new URLSearchParams({ path: photo.path, library: photo.library_id });
    const answer = await fetch(`/video/preview?${query}`, { credentials: "same-origin", priority: "low" }).catch(() => null);
    if (answer?.ok) return;
    photo.clip_failed = true;
    this.#wanted.delete(tile);
  }
}
