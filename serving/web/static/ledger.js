// Files that could not be read or shown, and why.
import { ask } from "./api.js";

/** What each stage of the work is called by somebody who looks at photos. */
export const STAGES = {
  hash: "Reading the file",
  metadata: "Reading date, place and camera",
  thumbnail: "Making the thumbnail",
  preview_clip: "Making the video preview",
  gif: "Making the animated preview",
  hls: "Preparing the video for streaming",
  faces: "Looking for faces",
};

export async function openLedger() {
  const dialog = document.querySelector("#ledger");
  const list = dialog.querySelector("ul");
  list.replaceChildren(item("Loading…"));
  dialog.showModal();
  try {
    const { failures } = await ask("/failures", { limit: 500 });
    list.replaceChildren(...failures.map((failure) => item(failure.path, failure)));
  } catch (error) {
    list.replaceChildren(item(error.message));
  }
}

function item(title, failure = null) {
  const line = document.createElement("li");
  const name = document.createElement(failure ? "a" : "span");
  name.textContent = title;
  if (failure) name.href = `/view/${failure.asset_id}`;
  line.append(name);
  if (failure) {
    const why = document.createElement("p");
    why.textContent = `${STAGES[failure.stage] ?? failure.stage}: ${failure.message}`;
    line.append(why);
  }
  return line;
}
