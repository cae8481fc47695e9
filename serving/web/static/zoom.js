// Looking closer at the picture in the viewer: wheel, pinch, double click or tap, and keys zoom; a drag moves what is
// zoomed; while nothing is zoomed a swipe leads to the next picture, or down and out.

const STEP = 1.5; // one press of + or -
const DOUBLE_CLICK = 2.5;
const LEAST_MAXIMUM = 4; // small pictures can be enlarged, too
const PAST_ORIGINAL = 2; // beyond the pixels of the original there is little to see
const SETTLE_MS = 120; // sharper pixels are asked for once a gesture pauses
const TAP_MS = 300;
const TAP_PX = 12;
const SECOND_TAP_PX = 40;
const SWIPE_PX = 60;
const SWIPE_DOWN_PX = 110;
const VIDEO_CONTROLS_PX = 90; // a drag there winds the film

export class Zoom {
  #stage;
  #picture;
  #on;
  #scale = 1;
  #x = 0;
  #y = 0;
  #fingers = new Map(); // by pointer id: where each was last
  #start = null; // of a gesture with one finger: where and when it began
  #last = null; // the last tap
  #timer = 0;

  /**
   * @param {HTMLElement} stage what listens  @param {HTMLElement} picture what is moved inside it, as large as the stage
   * @param {{step: (direction: number) => void, leave: () => void, zoomed: (scale: number) => void,
   *   settled: (devicePixels: number) => void}} on `settled` says how many device pixels the picture is wide now
   */
  constructor(stage, picture, on) {
    [this.#stage, this.#picture, this.#on] = [stage, picture, on];
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => this.#isOurs(event) && this.#last?.type !== "touch" && this.#toggle(event));
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    window.addEventListener("pointermove", (event) => this.#move(event));
    window.addEventListener("pointerup", (event) => this.#up(event));
    window.addEventListener("pointercancel", (event) => this.#forget(event));
    stage.addEventListener("dragstart", (event) => event.preventDefault()); // a picture is moved, not dragged out
    new ResizeObserver(() => this.reset()).observe(stage);
  }

  get isZoomed() {
    return this.#scale > 1;
  }

  reset() {
    this.#set(1, 0, 0);
  }

  /** One step closer (+1) or back (-1), around the middle. */
  step(direction) {
    const { width, height } = this.#stage.getBoundingClientRect();
    this.#glide();
    this.#zoomTo(this.#scale * STEP ** direction, width / 2, height / 2);
  }

  /** Show what lies further right and down, by so many pixels. */
  moveBy(right, down) {
    this.#glide();
    this.#set(this.#scale, this.#x - right, this.#y - down);
  }

  #wheel(event) {
    if (!this.#image) return;
    event.preventDefault(); // nothing behind scrolls, and a trackpad's pinch does not zoom the page
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 30);
    this.#zoomTo(this.#scale * Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), ...this.#place(event));
  }

  #toggle(event) {
    this.#glide();
    if (this.isZoomed) this.reset();
    else this.#zoomTo(DOUBLE_CLICK, ...this.#place(event));
  }

  #down(event) {
    if (!this.#isOurs(event) || (event.pointerType === "mouse" && event.button !== 0)) return;
    this.#fingers.set(event.pointerId, event);
    const [x, y] = [event.clientX, event.clientY];
    this.#start = this.#fingers.size === 1 ? { x, y, at: event.timeStamp } : null; // a second finger ends a swipe
    this.#picture.classList.remove("gliding");
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    if (this.#fingers.size === 2) this.#pinch(before, event);
    else if (this.isZoomed) this.#set(this.#scale, this.#x + event.clientX - before.clientX, this.#y + event.clientY - before.clientY);
    else if (this.#start && event.pointerType !== "mouse") this.#follow(event);
    this.#fingers.set(event.pointerId, event);
  }

  /** What was between the fingers stays between them. */
  #pinch(before, event) {
    const other = [...this.#fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    const apart = (finger) => Math.max(1, Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY));
    const [x, y] = this.#place({ clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
    this.#x += (event.clientX - before.clientX) / 2;
    this.#y += (event.clientY - before.clientY) / 2;
    this.#zoomTo((this.#scale * apart(event)) / apart(before), x, y);
  }

  /** The picture goes along with a swipe. */
  #follow(event) {
    const [right, down] = [event.clientX - this.#start.x, event.clientY - this.#start.y];
    const along = Math.abs(right) > Math.abs(down) ? [right, 0] : [0, Math.max(0, down)];
    this.#picture.style.transform = `translate(${along[0]}px, ${along[1]}px)`;
  }

  #up(event) {
    const start = this.#start;
    if (!this.#forget(event) || !start) return;
    const [right, down] = [event.clientX - start.x, event.clientY - start.y];
    const still = Math.hypot(right, down) < TAP_PX && event.timeStamp - start.at < TAP_MS;
    if (still) this.#tap(event);
    else if (this.isZoomed || event.pointerType === "mouse") return;
    else if (Math.abs(right) > SWIPE_PX && Math.abs(right) > 2 * Math.abs(down)) this.#on.step(right < 0 ? 1 : -1);
    else if (down > SWIPE_DOWN_PX && down > 2 * Math.abs(right)) this.#on.leave();
  }

  /** A finger is gone; returns whether it was one of ours. */
  #forget(event) {
    if (!this.#fingers.delete(event.pointerId)) return false;
    this.#start = null;
    this.#glide();
    this.#set(this.#scale, this.#x, this.#y); // back from a swipe that led nowhere
    return true;
  }

  #tap(event) {
    const { clientX: x, clientY: y, pointerType: type, timeStamp: at } = event;
    const last = this.#last;
    this.#last = { x, y, type, at };
    if (type !== "touch" || last?.type !== "touch") return; // a mouse has its own dblclick
    if (at - last.at > TAP_MS || Math.hypot(x - last.x, y - last.y) > SECOND_TAP_PX) return;
    this.#last = { type, at: -Infinity };
    if (this.#image) this.#toggle(event);
  }

  #isOurs(event) {
    if (event.target.closest("button, a, input")) return false;
    const film = event.target.closest("video[controls]");
    return !film || event.clientY < film.getBoundingClientRect().bottom - VIDEO_CONTROLS_PX;
  }

  get #image() {
    return this.#picture.querySelector("img");
  }

  /** Where on the stage. */
  #place({ clientX, clientY }) {
    const box = this.#stage.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  }

  /** The point of the picture that is at (x, y) of the stage stays there. */
  #zoomTo(wanted, x, y) {
    const image = this.#image;
    if (!image) return;
    const original = (PAST_ORIGINAL * (image.getAttribute("width") ?? 0)) / Math.max(1, image.offsetWidth) / devicePixelRatio;
    const scale = Math.min(Math.max(LEAST_MAXIMUM, original), Math.max(1, wanted));
    const by = scale / this.#scale;
    this.#set(scale, x - (x - this.#x) * by, y - (y - this.#y) * by);
  }

  #set(scale, x, y) {
    const image = this.#image;
    const changed = scale !== this.#scale;
    this.#scale = scale;
    this.#x = image ? within(x, image.offsetLeft, image.offsetWidth, this.#stage.clientWidth, scale) : 0;
    this.#y = image ? within(y, image.offsetTop, image.offsetHeight, this.#stage.clientHeight, scale) : 0;
    this.#picture.style.transform = this.isZoomed ? `translate(${this.#x}px, ${this.#y}px) scale(${scale})` : "";
    this.#picture.style.setProperty("--zoom", scale);
    this.#stage.classList.toggle("zoomed", this.isZoomed);
    if (!changed) return;
    this.#on.zoomed(scale);
    clearTimeout(this.#timer);
    if (image && this.isZoomed) this.#timer = setTimeout(() => this.#on.settled(image.offsetWidth * scale * devicePixelRatio), SETTLE_MS);
  }

  #glide() {
    this.#picture.classList.add("gliding");
  }
}

/**
 * How far one axis may be moved: a picture larger than the stage covers it, a smaller one stays around its middle.
 * @param {number} moved wanted  @param {number} start, size of the picture while it is not zoomed  @param {number} room
 */
function within(moved, start, size, room, scale) {
  if (scale === 1) return 0;
  const large = size * scale;
  const edge = large > room ? Math.min(0, Math.max(room - large, moved + start * scale)) : Math.min(room - large, Math.max(0, start + (size - large) / 2));
  return edge - start * scale;
}
