// Groups of duplicates, side by side: keep one and hide the others, or say that they are none.
import { askUntilReady, send } from "./api.js";
import { bytes, count, describe } from "./format.js";

const PAGE = 20;
const groups = document.querySelector("#groups");
const notice = document.querySelector("#notice");
const nearness = document.querySelector("#nearness");
const mayChoose = groups.dataset.role === "owner";
let kind = "exact";
let offset = 0;
let run = 0; // a click on the other kind makes answers on the way worthless

async function show() {
  offset = 0;
  run += 1;
  groups.replaceChildren();
  nearness.hidden = kind === "exact";
  groups.setAttribute("aria-busy", "true");
  await more();
  groups.removeAttribute("aria-busy");
}

async function more() {
  const mine = run;
  const threshold = kind === "exact" ? undefined : nearness.querySelector("select").value;
  const total = document.querySelector("#total");
  let answer;
  try {
    answer = await askUntilReady(`/duplicates/${kind}`, { limit: PAGE, offset, threshold }, (message) => mine === run && (total.textContent = message));
  } catch (error) {
    return say(error.message, "Try again", show);
  }
  if (mine !== run) return undefined;
  total.textContent = `${count(answer.total_groups)} ${answer.total_groups === 1 ? "group" : "groups"}`;
  groups.append(...answer.groups.map(card));
  if (!answer.total_groups) groups.append(text("p", "quiet", kind === "exact" ? "No duplicates: no file is in your library twice." : "No duplicates: no two pictures look alike."));
  if (answer.has_more) groups.append(moreButton());
  offset = answer.next_offset;
  return undefined;
}

function moreButton() {
  const button = text("button", "link", "Show more");
  button.addEventListener("click", () => {
    button.remove();
    more();
  });
  return button;
}

function card(group) {
  const element = document.createElement("section");
  element.className = "group";
  const header = document.createElement("header");
  const words = { exact: "The same file", near: "Look alike", moment: "Taken in the same moment" }[group.kind];
  header.append(text("strong", "", `${words}, ${count(group.photos.length)} times`), text("span", "quiet", `${bytes(group.wasted_bytes)} in copies`));
  if (mayChoose) header.append(act("Not duplicates", () => ignore(element, group)));
  const copies = document.createElement("div");
  copies.className = "copies";
  copies.append(...group.photos.map((photo) => copy(element, group, photo)));
  element.append(header, copies);
  return element;
}

function copy(element, group, photo) {
  const figure = document.createElement("div");
  figure.className = photo.asset_id === group.suggested_keep ? "copy best" : "copy";
  const link = document.createElement("a");
  link.href = `/view/${photo.asset_id}`;
  if (photo.thumb_url) {
    const image = new Image();
    image.alt = `${describe(photo)}. Open it`;
    image.loading = "lazy";
    image.src = photo.thumb_url;
    link.append(image);
  } else link.textContent = photo.file_name;
  const size = photo.width && photo.height ? `${photo.width} × ${photo.height}, ` : "";
  figure.append(link, text("span", "", photo.path), text("span", "quiet", `${size}${bytes(photo.size_bytes)}`));
  if (mayChoose) figure.append(act("Keep this one", () => keep(element, group, photo)));
  return figure;
}

async function keep(element, group, photo) {
  const hide = group.photos.map((one) => one.asset_id).filter((id) => id !== photo.asset_id);
  if (!(await tried(() => send("POST", "/duplicates/resolve", { keep: photo.asset_id, hide })))) return;
  finish(element, group, `Kept ${photo.file_name}, hid ${count(hide.length)} ${hide.length === 1 ? "copy" : "copies"}`, () => send("POST", "/duplicates/unresolve", { asset_ids: hide }));
}

async function ignore(element, group) {
  const asset_ids = group.photos.map((one) => one.asset_id);
  const answer = await tried(() => send("POST", "/duplicates/ignore", { asset_ids }));
  if (answer) finish(element, group, "You will not be asked about these again", () => send("DELETE", `/duplicates/ignored/${answer.id}`));
}

function finish(element, group, words, undo) {
  element.classList.add("done");
  element.querySelectorAll("button").forEach((button) => button.remove());
  const back = act("Undo", async () => (await tried(undo)) && element.replaceWith(card(group)));
  element.querySelector("header").append(text("span", "", words), back);
  back.focus();
}

async function tried(change) {
  try {
    return (await change()) ?? true;
  } catch (error) {
    say(error.message, "Close", () => {});
    return null;
  }
}

function act(words, action) {
  const button = text("button", "", words);
  button.addEventListener("click", action);
  return button;
}

function text(tag, className, words) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = words;
  return element;
}

function say(message, action, then) {
  const button = act(action, () => {
    notice.hidden = true;
    then();
  });
  notice.replaceChildren(message, button);
  notice.hidden = false;
}

document.querySelector(".kinds").addEventListener("click", (event) => {
  const button = event.target.closest("[data-kind]");
  if (!button || button.dataset.kind === kind) return;
  kind = button.dataset.kind;
  for (const one of document.querySelectorAll("[data-kind]")) one.setAttribute("aria-pressed", String(one === button));
  show();
});
nearness.addEventListener("change", show);
await show();
