// The rail at the right edge: the whole timeline at one glance, years where they lie; drag it, with a mouse or a finger.
import { NO_DATE } from "./format.js";

/** Returns {mark}: show where the window is. */
export function buildRail(rail, sections, goTo) {
  const weights = sections.map((section) => Math.sqrt(section.count) + 1);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const starts = [];
  weights.reduce((sum, weight) => (starts.push(sum / whole), sum + weight), 0);

  const thumb = document.createElement("i");
  const bubble = document.createElement("b");
  bubble.hidden = true;
  rail.replaceChildren(thumb, bubble, ...yearLabels(sections, starts));

  const at = (event) => {
    const box = rail.getBoundingClientRect();
    const share = Math.min(0.9999, Math.max(0, (event.clientY - box.top) / box.height));
    return Math.max(0, starts.findLastIndex((start) => start <= share));
  };
  const show = (event) => {
    const index = at(event);
    const box = rail.getBoundingClientRect();
    bubble.textContent = sections[index].title;
    bubble.style.top = `${Math.min(box.height, Math.max(0, event.clientY - box.top))}px`;
    bubble.hidden = false;
    return index;
  };
  let shown = -1; // a drag goes to each section once, however many moves it is made of
  const travel = (event) => {
    const index = show(event);
    if (index !== shown) goTo(sections[(shown = index)]);
  };
  const rest = () => {
    rail.classList.remove("dragging");
    bubble.hidden = true;
    shown = -1;
  };
  rail.onpointermove = (event) => (event.buttons ? travel(event) : show(event));
  rail.onpointerdown = (event) => {
    event.preventDefault(); // nothing is selected
    rail.setPointerCapture(event.pointerId);
    rail.classList.add("dragging");
    travel(event);
  };
  rail.onpointerup = (event) => (event.pointerType === "mouse" ? rail.classList.remove("dragging") : rest());
  rail.onpointerleave = rail.onpointercancel = rest;

  const jump = document.querySelector("#jump");
  return {
    mark() {
      const line = document.querySelector(".bar").offsetHeight + 60;
      const index = Math.max(0, sections.findLastIndex((one) => one.element.getBoundingClientRect().top < line));
      const box = sections[index].element.getBoundingClientRect();
      const within = Math.min(1, Math.max(0, (line - box.top) / Math.max(1, box.height)));
      thumb.style.top = `${(starts[index] + (within * weights[index]) / whole) * 100}%`;
      if (document.activeElement !== jump) jump.value = sections.indexOf(sections[index].head);
    },
  };
}

function yearLabels(sections, starts) {
  const labels = [];
  let lastAt = -1;
  let lastYear = "";
  sections.forEach((section, index) => {
    const year = section.last.slice(0, 4);
    if (year === lastYear || starts[index] - lastAt < 0.035) return;
    [lastYear, lastAt] = [year, starts[index]];
    const label = document.createElement("span");
    label.textContent = section.last === NO_DATE ? "undated" : year;
    label.style.top = `${starts[index] * 100}%`;
    labels.push(label);
  });
  return labels;
}
