// Boxes around the faces of the photo in the viewer: whose they are, and a line to write it in.
import { ask, send } from "./api.js";

export class FaceBoxes {
  #picture;
  #button;
  #say;
  #photo = null;
  #faces = [];
  #layer = document.createElement("div");
  #on = false;
  #mayName;

  /** @param {HTMLElement} picture what holds the photo  @param {HTMLElement} button switches the boxes on and off */
  constructor(picture, button, say, mayName) {
    [this.#picture, this.#button, this.#say, this.#mayName] = [picture, button, say, mayName];
    this.#layer.className = "faces";
    new ResizeObserver(() => this.#place()).observe(picture);
  }

  /** Another photo, or none. Its faces are asked for; the last photo wins. */
  async show(photo) {
    this.#photo = photo;
    this.#faces = [];
    this.#draw();
    if (!photo || photo.media_type === "video") return;
    try {
      const faces = await ask("/image/faces", { path: photo.path, library: photo.library_id });
      if (this.#photo !== photo) return;
      this.#faces = faces;
      this.#draw();
    } catch {
      // the photo is what one came for; its faces can be missing
    }
  }

  toggle() {
    this.#on = !this.#on;
    this.#draw();
  }

  #draw() {
    const count = this.#faces.length;
    this.#button.hidden = !count;
    this.#button.textContent = count === 1 ? "1 face" : `${count} faces`;
    this.#button.setAttribute("aria-pressed", String(this.#on));
    this.#layer.remove();
    if (!this.#on || !count) return;
    this.#layer.replaceChildren(...this.#faces.map((face) => this.#box(face)));
    this.#picture.append(this.#layer);
    const image = this.#picture.querySelector("img");
    if (image && !image.complete) image.addEventListener("load", () => this.#place(), { once: true });
    this.#place();
  }

  /** The layer lies exactly on the picture, whatever room that was given. */
  #place() {
    const image = this.#picture.querySelector("img");
    if (!image || !this.#layer.isConnected) return;
    Object.assign(this.#layer.style, {
      left: `${image.offsetLeft}px`, top: `${image.offsetTop}px`, width: `${image.offsetWidth}px`, height: `${image.offsetHeight}px`,
    });
  }

  #box(face) {
    const box = document.createElement("div");
    box.className = face.person_name ? "face named" : "face";
    const share = (number) => `${number * 100}%`;
    Object.assign(box.style, {
      left: share(face.bbox.x), top: share(face.bbox.y), width: share(face.bbox.w), height: share(face.bbox.h),
    });
    const name = document.createElement(this.#mayName ? "button" : "span");
    name.textContent = face.person_name ?? (this.#mayName ? "Who is this?" : "");
    name.hidden = !name.textContent;
    if (this.#mayName) name.addEventListener("click", () => this.#write(box, name, face));
    box.append(name);
    return box;
  }

  #write(box, button, face) {
    const field = Object.assign(document.createElement("input"), {
      value: face.person_name ?? "", maxLength: 200, placeholder: "Name", autocomplete: "off",
    });
    field.setAttribute("aria-label", "Name of this person");
    box.classList.add("open");
    button.replaceWith(field);
    field.focus();
    const photo = this.#photo;
    const done = async (save) => {
      const name = field.value.trim();
      if (save && name !== (face.person_name ?? "")) {
        try {
          Object.assign(face, await send("PATCH", `/image/faces/${face.id}`, name ? { person_name: name } : { person_id: null }));
        } catch (error) {
          this.#say(error.message);
        }
      }
      if (this.#photo === photo) this.#draw();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") event.preventDefault();
      if (event.key === "Enter" || event.key === "Escape") done(event.key === "Enter");
    });
    field.addEventListener("blur", () => field.isConnected && done(false));
  }
}
