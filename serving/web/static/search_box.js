// The search box: completions while one types; Enter sends the form, which works without any of this.
import { ask } from "./api.js";
import { count } from "./format.js";

const PAUSE_MS = 120;

export function completeWhileTyping(form) {
  const box = form.querySelector("input");
  const list = form.querySelector("ul");
  let waiting = 0;
  let asking = null;
  let chosen = -1;

  const hide = () => {
    list.hidden = true;
    chosen = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };

  const take = (item) => {
    box.value = item.dataset.query;
    hide();
    box.focus();
    if (box.value.endsWith(":")) soon();
    else form.requestSubmit();
  };

  const mark = (index) => {
    const items = [...list.children];
    chosen = (index + items.length + 1) % (items.length + 1) === items.length ? -1 : (index + items.length) % items.length;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", items[chosen].id);
    return items[chosen].scrollIntoView({ block: "nearest" });
  };

  async function offer() {
    asking?.abort();
    asking = new AbortController();
    let answer;
    try {
      answer = await ask("/search/suggest", { q: box.value, limit: 10 }, asking.signal);
    } catch {
      return hide(); // typing goes on without; Enter will say what is wrong
    }
    list.replaceChildren(...answer.suggestions.map(row));
    list.hidden = !answer.suggestions.length || document.activeElement !== box;
    box.setAttribute("aria-expanded", String(!list.hidden));
    chosen = -1;
    return undefined;
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(offer, PAUSE_MS);
  }

  box.addEventListener("input", soon);
  box.addEventListener("blur", () => setTimeout(hide, 150));
  box.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the page's own keys are not meant
    if (list.hidden) return;
    const items = [...list.children];
    if (event.key === "ArrowDown") mark(chosen + 1);
    else if (event.key === "ArrowUp") mark(chosen < 0 ? items.length - 1 : chosen - 1);
    else if (event.key === "Escape") hide();
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(items[chosen]);
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    event.preventDefault();
    take(item);
  });
  form.addEventListener("submit", () => clearTimeout(waiting));
}

function row(suggestion, index) {
  const item = document.createElement("li");
  item.id = `offer-${index}`;
  item.setAttribute("role", "option");
  item.dataset.query = suggestion.query;
  const text = document.createElement("b");
  text.textContent = suggestion.text;
  const hint = document.createElement("span");
  hint.textContent = suggestion.count === null ? suggestion.kind : count(suggestion.count);
  item.append(text, hint);
  return item;
}
