// Which photos the timeline shows: all, one's favourites, or those with a tag. The address says which.
import { ask } from "./api.js";

const asked = new URLSearchParams(location.search);

const chosen = Object.fromEntries(["favorite", "tag_ids", "broken"].filter((name) => asked.has(name)).map((name) => [name, asked.get(name)]));

/** Parameters for GET /photos and its siblings. Files that cannot be shown are left out until somebody asks for them. */
export const filter = { broken: false, ...chosen };
export const isFiltered = Object.keys(chosen).length > 0;

/** Offer the filters there are; choosing one goes to its address. */
export async function offerFilters(select) {
  const options = [new Option("All photos", ""), new Option("♥ Favourites", "favorite=true")];
  try {
    const tags = await ask("/tags");
    options.push(...tags.filter(({ count }) => count).map(({ tag, count }) => new Option(`${tag.name} (${count})`, `tag_ids=${tag.id}`)));
  } catch {
    // the timeline itself will say what is wrong
  }
  options.push(new Option("Files that cannot be shown", "broken=true"));
  select.replaceChildren(...options);
  select.value = new URLSearchParams(chosen).toString();
  select.addEventListener("change", () => location.assign(select.value ? `/?${select.value}` : "/"));
}
