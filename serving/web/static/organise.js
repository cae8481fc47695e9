// What people say of a photo: the heart, stars, tags and a description, edited where they stand.
import { ask, send } from "./api.js";

const STARS = [1, 2, 3, 4, 5];

/** The heart among the viewer's tools. */
export class Heart {
  #button;
  #say;
  #photo = null;

  /** @param {(message: string) => void} say tells of what went wrong */
  constructor(button, say) {
    [this.#button, this.#say] = [button, say];
  }

  show(photo) {
    this.#photo = photo;
    this.#button.hidden = !photo?.content_hash;
    this.#button.setAttribute("aria-pressed", String(Boolean(photo?.favorite)));
    this.#button.textContent = photo?.favorite ? "♥" : "♡";
  }

  async toggle() {
    const photo = this.#photo;
    if (!photo?.content_hash) return;
    const place = { path: photo.path, library: photo.library_id };
    try {
      if (photo.favorite) await send("DELETE", `/image/favorites?${new URLSearchParams(place)}`);
      else await send("PUT", "/image/favorites", place);
      photo.favorite = !photo.favorite;
      if (this.#photo === photo) this.show(photo);
    } catch (error) {
      this.#say(error.message);
    }
  }
}

/** A section of the panel; without the right to write, what is there is only shown. */
export function organiseSection(photo, mayWrite) {
  const section = document.createElement("section");
  section.className = "organise";
  if (!photo.content_hash) return section; // nothing can be said of what was not read yet
  const editor = new Editor(photo, section, mayWrite);
  editor.draw();
  editor.load();
  return section;
}

class Editor {
  #photo;
  #section;
  #mayWrite;
  #tags = [];
  #note = { rating: null, description: null, rating_is_set: false, description_is_set: false };
  #problem = element("p", { className: "problem", role: "alert", hidden: true });

  constructor(photo, section, mayWrite) {
    [this.#photo, this.#section, this.#mayWrite] = [photo, section, mayWrite];
    this.#note.rating = photo.rating;
  }

  get #place() {
    return { path: this.#photo.path, library: this.#photo.library_id };
  }

  load() {
    return this.#try(async () => {
      const [tags, note] = await Promise.all([ask("/image/tags", this.#place), ask("/image/note", this.#place)]);
      [this.#tags, this.#note] = [tags, note];
    });
  }

  draw() {
    this.#section.replaceChildren(this.#stars(), this.#chips(), ...this.#description(), this.#problem);
  }

  async #try(act, focus = "") {
    this.#problem.hidden = true;
    try {
      await act();
    } catch (error) {
      this.#problem.textContent = error.message;
      this.#problem.hidden = false;
    }
    this.draw();
    if (focus) this.#section.querySelector(focus)?.focus();
  }

  #stars() {
    const given = Math.max(0, this.#note.rating ?? 0);
    const row = element("div", { className: "stars", role: "group", ariaLabel: `Rating: ${given} of 5` });
    for (const star of STARS) {
      const button = element("button", { type: "button", textContent: star <= given ? "★" : "☆", disabled: !this.#mayWrite });
      button.setAttribute("aria-label", `${star} ${star === 1 ? "star" : "stars"}`);
      button.setAttribute("aria-pressed", String(star <= given));
      const wanted = star === given ? 0 : star; // the same star again: none
      button.addEventListener("click", () => this.#rate(wanted, star));
      row.append(button);
    }
    if (this.#mayWrite && this.#note.rating_is_set) {
      const back = element("button", { type: "button", className: "back", textContent: "Reset", title: "Use the rating that the file itself has" });
      back.addEventListener("click", () => this.#rate(null, 1));
      row.append(back);
    }
    return row;
  }

  #rate(rating, star) {
    return this.#try(async () => {
      this.#note = await send("PUT", "/image/rating", { ...this.#place, rating });
      this.#photo.rating = this.#note.rating;
    }, `.stars button:nth-child(${star})`);
  }

  #chips() {
    const list = element("ul", { className: "chips", ariaLabel: "Tags" });
    for (const tag of this.#tags) {
      const item = element("li");
      item.append(element("a", { href: `/?tag_ids=${tag.id}`, textContent: tag.name, title: `All photos with ${tag.name}` }));
      if (this.#mayWrite) {
        const remove = element("button", { type: "button", textContent: "✕", title: "Remove this tag" });
        remove.setAttribute("aria-label", `Remove the tag ${tag.name}`);
        remove.addEventListener("click", () => this.#untag(tag));
        item.append(remove);
      }
      list.append(item);
    }
    if (this.#mayWrite) list.append(this.#newTag());
    return list;
  }

  #newTag() {
    const item = element("li", { className: "new" });
    const form = element("form");
    const input = element("input", { name: "tag", placeholder: "Add a tag", maxLength: 100, autocomplete: "off", ariaLabel: "Add a tag" });
    input.setAttribute("list", "known-tags");
    const known = element("datalist", { id: "known-tags" });
    input.addEventListener("focus", () => complete(known), { once: true });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim()) this.#tag(input.value);
    });
    form.append(input, known);
    item.append(form);
    return item;
  }

  #tag(name) {
    return this.#try(async () => {
      const tag = await send("POST", "/image/tags", { ...this.#place, tag_name: name });
      if (!this.#tags.some((one) => one.id === tag.id)) this.#tags = [...this.#tags, tag];
      this.#photo.tag_ids = this.#tags.map((one) => one.id);
    }, ".chips input");
  }

  #untag(tag) {
    return this.#try(async () => {
      await send("DELETE", `/image/tags?${new URLSearchParams({ ...this.#place, tag_name: tag.name })}`);
      this.#tags = this.#tags.filter((one) => one.id !== tag.id);
      this.#photo.tag_ids = this.#tags.map((one) => one.id);
    }, ".chips input");
  }

  #description() {
    const text = this.#note.description ?? "";
    if (!this.#mayWrite) return text ? [element("p", { className: "whole", textContent: text })] : [];
    const field = element("textarea", { value: text, placeholder: "Add a description", maxLength: 10000, rows: 2, ariaLabel: "Description" });
    field.addEventListener("change", () =>
      this.#try(async () => {
        const description = field.value.trim() ? field.value : null; // emptied: as the file says
        this.#note = await send("PUT", "/image/description", { ...this.#place, description });
      }),
    );
    return [field];
  }
}

async function complete(list) {
  try {
    const tags = await ask("/tags");
    list.replaceChildren(...tags.map(({ tag }) => new Option(tag.name)));
  } catch {
    // completion is a convenience: without it one types the whole word
  }
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
