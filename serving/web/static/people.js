// People: everybody with a name, and groups of faces that look like one person and want one.
import { ask, send } from "./api.js";
import { make } from "./dom.js";
import { count } from "./format.js";

const GROUPS = 60;
const main = document.querySelector("#people");
const notice = document.querySelector("#notice");
const names = document.querySelector("#names");
const mayWrite = main.dataset.role === "owner"; // a viewer looks: what cannot be done is not offered
const picked = make("div", { class: "notice", role: "status", hidden: true });

const photosWord = (number) => `${count(number)} ${number === 1 ? "photo" : "photos"}`;
const facesWord = (number) => `${count(number)} ${number === 1 ? "face" : "faces"}`;
const crop = (address, alt) => make("img", { src: address, alt, loading: "lazy", width: 112, height: 112 });
const heading = (text, quiet = "") => make("h2", {}, text, make("small", {}, quiet));

/** Do what a button says; what cannot be done is said, and the page shows what is. */
async function act(work, then = draw) {
  try {
    await work();
    await then();
  } catch (error) {
    say(error.message);
  }
}

function say(message, label = "OK", then = () => undefined) {
  const press = () => {
    notice.hidden = true;
    then();
  };
  notice.replaceChildren(message, make("button", { click: press }, label));
  notice.hidden = false;
}

/** A line for a name, and what to do with it. */
function naming(label, value, save) {
  const field = make("input", { list: "names", maxlength: 200, placeholder: label, "aria-label": label, autocomplete: "off" });
  field.value = value;
  const submit = (event) => {
    event.preventDefault();
    if (field.value.trim()) save(field.value.trim());
  };
  return make("form", { class: "naming", submit }, field, make("button", { class: "pill main" }, "Save"));
}

async function draw() {
  const wanted = Number(new URLSearchParams(location.search).get("person"));
  try {
    await (wanted ? drawPerson(wanted) : drawAll());
  } catch (error) {
    say(error.message);
  }
}

async function drawAll() {
  document.title = "People · Darkroom";
  const [everybody, groups, stats] = await Promise.all([
    ask("/persons", { include_ignored: true }),
    ask("/faces/clusters", { limit: GROUPS }),
    ask("/faces/stats"),
  ]);
  const people = everybody.filter((person) => !person.is_ignored);
  const ignored = everybody.filter((person) => person.is_ignored);
  names.replaceChildren(...people.map((person) => make("option", { value: person.name })));
  document.querySelector("#total").textContent = people.length ? `${count(people.length)} ${people.length === 1 ? "person" : "people"}` : "";
  if (!everybody.length && !groups.length) return drawEmpty(stats);
  main.replaceChildren(
    ...(people.length ? [heading("People"), make("div", { class: "heads" }, ...people.map(head))] : []),
    ...(groups.length ? [heading("Who is this?", "faces that look alike"), make("div", { class: "groups" }, ...groups.map(group))] : []),
    ...(ignored.length ? [heading("Ignored"), make("div", { class: "heads" }, ...ignored.map(head))] : []),
    picked,
  );
  countPicked();
  return undefined;
}

function drawEmpty(stats) {
  const empty = document.querySelector("#empty").content.cloneNode(true);
  empty.querySelector(stats.engine === "off" ? ".off" : ".on").hidden = false;
  main.replaceChildren(empty);
}

function head(person) {
  const open = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(`/people?person=${person.id}`);
  };
  const picture = person.cover_url ? crop(person.cover_url, "") : make("span", { class: "portrait" });
  const known = { class: person.is_ignored ? "head ignored" : "head", href: `/people?person=${person.id}`, click: open };
  return make("a", known, picture, make("b", {}, person.name), make("span", {}, photosWord(person.photo_count)));
}

function group(cluster) {
  const base = `/faces/clusters/${cluster.id}`;
  const faces = cluster.sample_face_ids.slice(0, 4).map((number) => crop(`/faces/${number}/crop`, ""));
  const name = (body) => act(() => send("POST", `${base}/person`, body));
  const asked = cluster.suggestion;
  const what = make("p", {}, `${facesWord(cluster.size)} in ${photosWord(cluster.photo_count)}`);
  const card = (...rest) => make("section", { class: "group", "aria-label": `Unnamed person, ${facesWord(cluster.size)}` }, make("div", { class: "strip" }, ...faces), what, ...rest);
  if (!mayWrite) return card(asked && make("p", {}, "Perhaps ", make("b", {}, asked.person_name)));
  const no = async () => {
    for (const face of await ask(base)) await send("POST", `/faces/${face.id}/reject`, { person_id: asked.person_id });
  };
  const pick = make("input", { type: "checkbox", value: cluster.id, change: countPicked });
  return card(
    asked &&
      make(
        "div",
        { class: "ask" },
        make("span", {}, "Is this ", make("b", {}, asked.person_name), "?"),
        make("button", { class: "pill main", click: () => name({ person_id: asked.person_id }) }, "Yes"),
        make("button", { class: "pill", click: () => act(no) }, "No"),
      ),
    naming("Name", "", (text) => name({ person_name: text })),
    make(
      "div",
      { class: "ask" },
      make("button", { class: "pill", click: () => act(() => send("PATCH", base, { is_ignored: true })) }, "Ignore"),
      make("label", { class: "pick" }, pick, "Same as another"),
    ),
  );
}

/** Groups that are ticked can be made one; the largest stands first and takes the others in. */
function countPicked() {
  const groups = [...main.querySelectorAll(".pick input:checked")].map((box) => box.value);
  const merge = async () => {
    for (const group of groups.slice(1)) await send("POST", `/faces/clusters/${group}/merge`, { into: Number(groups[0]) });
  };
  picked.hidden = !groups.length;
  if (groups.length < 2) picked.replaceChildren("Now choose another group that shows the same person.");
  else picked.replaceChildren(`${count(groups.length)} groups chosen. Do they show one person?`, make("button", { click: () => act(merge) }, "Yes, merge them"));
}

async function drawPerson(number) {
  const person = await ask(`/persons/${number}`);
  const [everybody, faces, asked] = await Promise.all([
    ask("/persons"),
    ask(`/persons/${number}/faces`, { limit: 500 }),
    mayWrite ? ask(`/persons/${number}/suggestions`, { limit: 24 }) : [],
  ]);
  document.title = `${person.name} · Darkroom`;
  document.querySelector("#total").textContent = "";
  names.replaceChildren(...everybody.filter(({ id }) => id !== number).map(({ name }) => make("option", { value: name })));
  const home = () => go("/people");
  const ignore = () => act(() => send("PATCH", `/persons/${number}`, { is_ignored: !person.is_ignored }));
  main.replaceChildren(
    make("div", { class: "title" },
      person.cover_url ? make("img", { class: "portrait", src: person.cover_url, alt: "" }) : null,
      mayWrite ? naming("Name", person.name, (text) => rename(person, text, everybody)) : make("h1", {}, person.name),
      mayWrite ? make("button", { class: "pill", click: ignore }, person.is_ignored ? "Stop ignoring" : "Ignore") : null,
      make("button", { class: "pill", click: home }, "All people"),
    ),
    ...(asked.length ? [heading(`Is this ${person.name}?`), make("div", { class: "maybes" }, ...asked.map((face) => maybe(face, number)))] : []),
    heading(photosWord(person.photo_count)),
    make("div", { class: "photos" }, ...faces.filter((face) => face.asset_id).map(photo)),
  );
}

/** A name that somebody else has means: it is the same person. */
async function rename(person, name, everybody) {
  const other = everybody.find((one) => one.id !== person.id && one.name.toLowerCase() === name.toLowerCase());
  if (other && confirm(`Merge ${person.name} into ${other.name}? All photos of ${person.name} then belong to ${other.name}.`)) {
    await act(() => send("POST", `/persons/${person.id}/merge`, { into: other.id }), () => merged(person, other));
  } else if (!other) {
    await act(() => send("PATCH", `/persons/${person.id}`, { name }));
  }
}

/** Two people are one now; for a moment that can be taken back. */
async function merged(person, other) {
  const { changes } = await ask("/changes", { limit: 1 });
  await go(`/people?person=${other.id}`);
  const undo = () => act(() => send("POST", "/undo", { snapshot_id: changes[0].snapshot_id }), () => go(`/people?person=${person.id}`));
  say(`${person.name} and ${other.name} are one person now.`, "Undo", undo);
}

function maybe(face, person) {
  const yes = () => act(() => send("PATCH", `/image/faces/${face.id}`, { person_id: person }));
  const no = () => act(() => send("POST", `/faces/${face.id}/reject`, { person_id: person }));
  return make("div", { class: "maybe" },
    make("a", { href: `/view/${face.asset_id}` }, crop(face.crop_url, face.path)),
    make("div", { class: "ask" }, make("button", { class: "pill main", click: yes }, "Yes"), make("button", { class: "pill", click: no }, "No")),
  );
}

function photo(face) {
  return make("a", { href: `/view/${face.asset_id}`, title: face.path }, crop(face.crop_url, face.path));
}

function go(address) {
  history.pushState(null, "", address);
  window.scrollTo(0, 0);
  return draw();
}

window.addEventListener("popstate", draw);
await draw();
