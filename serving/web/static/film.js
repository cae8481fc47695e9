// A film in the viewer: its stream where the browser plays HLS by itself, else the original by ranges; what it can play
// neither way is made ready on the server meanwhile, with the clip in its place.
import { filmUrl, send } from "./api.js";
import { describe } from "./format.js";

const HLS = "application/vnd.apple.mpegurl";
const UNNAMED = ["video/quicktime", "video/x-matroska"]; // browsers play many of these, and do not say so
const FIRST_WAIT_MS = 1000;
const LONGEST_WHOLE_CLIP_S = 10; // a clip of a film no longer than this shows all of it
const LONGEST_WAIT_MS = 8000;
const WAITING = "This video is being prepared for your browser. It starts by itself.";
const HOPELESS = "Your browser cannot play this video. You can download the original with the button above.";
const ONLY_CLIP = "Your browser can only play a short preview of this video. You can download the original with the button above.";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const canPlay = (type) => document.createElement("video").canPlayType(type) !== "";

export class Film {
  #photo;
  #stage;
  #sources;
  #element = null;

  /**
   * @param {object} photo
   * @param {{show: (element: HTMLElement) => void, still: () => HTMLElement, say: (message: string) => void,
   *   isCurrent: () => boolean}} stage
   */
  constructor(photo, stage) {
    [this.#photo, this.#stage] = [photo, stage];
    this.#sources = [];
    if (photo.stream_url && canPlay(HLS)) this.#sources.push(photo.stream_url);
    if (canPlay(photo.mime_type) || UNNAMED.includes(photo.mime_type)) this.#sources.push(filmUrl(photo));
    this.#next();
  }

  toggle() {
    if (this.#element?.paused) this.#element.play().catch(() => undefined);
    else this.#element?.pause();
  }

  /** The next way to play it, when the one before did not work. */
  #next() {
    const source = this.#sources.shift();
    if (source) this.#play(source);
    else this.#prepare();
  }

  #play(source) {
    const film = this.#video(source);
    film.controls = true;
    film.preload = "metadata";
    film.autoplay = Boolean(navigator.userActivation?.isActive) && !calm.matches; // it was clicked, not come upon
    const fail = () => this.#element === film && this.#stage.isCurrent() && this.#next();
    film.addEventListener("error", fail);
    film.addEventListener("loadedmetadata", () => !film.videoWidth && fail()); // sound that plays, a picture that does not
    this.#stage.show(film);
  }

  #video(source) {
    const film = document.createElement("video");
    film.playsInline = true;
    film.setAttribute("aria-label", describe(this.#photo));
    if (this.#photo.thumb_url) film.poster = this.#photo.thumb_url;
    film.src = source;
    this.#element = film;
    return film;
  }

  async #prepare() {
    const photo = this.#photo;
    this.#showMeanwhile();
    if (!canPlay(HLS)) return this.#giveUp();
    for (let wait = FIRST_WAIT_MS; this.#stage.isCurrent(); wait = Math.min(LONGEST_WAIT_MS, wait * 1.4)) {
      let answer;
      try {
        answer = await send("POST", "/video/generate", { path: photo.path, library: photo.library_id });
      } catch (error) {
        return this.#stage.isCurrent() && this.#stage.say(error.message);
      }
      if (!this.#stage.isCurrent()) return undefined;
      if (answer.ready) return this.#begin(answer.playlist_url);
      this.#stage.say(WAITING);
      await new Promise((done) => setTimeout(done, wait));
    }
    return undefined;
  }

  /** The stream that has just been made; one that was there already has been tried before (Chromium: under 8 frames). */
  #begin(playlist) {
    if (this.#photo.stream_url === playlist) return this.#giveUp();
    this.#photo.stream_url = playlist;
    this.#stage.say("");
    return this.#play(playlist);
  }

  /** The clip is what there is; of a very short film it is all of it. */
  #giveUp() {
    const clip = this.#photo.clip_url ? this.#element : null;
    if (clip) clip.controls = true;
    const whole = clip && this.#photo.duration_s && this.#photo.duration_s <= LONGEST_WHOLE_CLIP_S;
    this.#stage.say(whole ? "" : clip ? ONLY_CLIP : HOPELESS);
  }

  #showMeanwhile() {
    if (!this.#photo.clip_url) {
      this.#element = null;
      return this.#stage.show(this.#stage.still());
    }
    const clip = this.#video(this.#photo.clip_url);
    [clip.muted, clip.loop, clip.autoplay] = [true, true, !calm.matches];
    return this.#stage.show(clip);
  }
}
