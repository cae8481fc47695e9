// What is known of a photo, in the words of somebody who took it.
import { ask } from "./api.js";
import { STAGES } from "./ledger.js";
import { organiseSection } from "./organise.js";
import { bytes, dateOf, duration, position, timeOf } from "./format.js";

const KINDS_OF_SOURCE = [["EXIF", "the camera"], ["XMP", "the file's description"], ["sidecar", "the sidecar file"], ["GPS", "the GPS receiver"], ["QuickTime", "the video"], ["Matroska", "the video"], ["RIFF", "the video"], ["H264", "the video"]];
const SOURCES = { mtime: "the file's modification time", filename: "the file's name" };

/** Fill the panel; the last photo asked for wins. */
export async function fillPanel(panel, photo, mayWrite) {
  panel.dataset.id = photo.asset_id;
  const said = [organiseSection(photo, mayWrite), ...(mayWrite && photo.content_hash ? [insightFold(photo)] : [])];
  panel.replaceChildren(...said, ...groupsOf(photo, null));
  try {
    const known = await ask("/image/metadata", { path: photo.path, library: photo.library_id });
    if (panel.dataset.id === String(photo.asset_id)) panel.replaceChildren(...said, ...groupsOf(photo, known));
  } catch (error) {
    if (panel.dataset.id === String(photo.asset_id)) panel.append(group("Some details could not be loaded", [["", error.message]]));
  }
}

/** What a model wrote about it. Nothing of it is asked for, its code neither, before somebody opens it. */
function insightFold(photo) {
  const section = document.createElement("section");
  const fold = document.createElement("details");
  const title = document.createElement("summary");
  title.append(heading("Insight"));
  fold.className = "fold";
  fold.append(title);
  fold.addEventListener("toggle", async () => fold.append((await import("./insight.js")).insightOf(photo)), { once: true });
  section.append(fold);
  return section;
}

function groupsOf(photo, known) {
  const asset = known?.asset ?? photo;
  return [
    asset.title && heading(asset.title),
    group("Taken", takenLines(photo, asset)),
    group("Camera", cameraLines(asset, known?.exif)),
    group("Video", filmLines(asset)),
    group("Place", placeLines(asset, photo.place)),
    group("About", [
      ["Keywords", asset.keywords?.join(", ")],
    ]),
    group("File", fileLines(photo, asset)),
    group("Problems", (known?.failures ?? []).map((failure) => [STAGES[failure.stage] ?? failure.stage, failure.message])),
  ].filter(Boolean);
}

function takenLines(photo, asset) {
  if (!photo.taken_at) return [["", "No date is known."]];
  return [
    ["Date", dateOf(photo.taken_at)],
    ["Time", [timeOf(photo.taken_at), asset.time_zone].filter(Boolean).join(" · ")],
    ["Date from", dateSource(asset.taken_at_source)],
  ];
}

/** "EXIF:DateTimeOriginal" in words. */
function dateSource(tag) {
  return SOURCES[tag] ?? KINDS_OF_SOURCE.find(([family]) => tag?.startsWith(family))?.[1] ?? (tag && "the file");
}

function cameraLines(asset, exif) {
  const make = asset.camera_make ?? "";
  const model = asset.camera_model ?? "";
  const name = model.toLowerCase().startsWith(make.toLowerCase().split(" ")[0]) ? model : `${make} ${model}`;
  const exposure = [
    exif?.shutter_speed && `${exif.shutter_speed} s`,
    asset.f_number && `f/${Number(asset.f_number.toFixed(1))}`,
    asset.iso && `ISO ${asset.iso}`,
    asset.focal_length_mm && `${Number(asset.focal_length_mm.toFixed(1))} mm`,
  ];
  return [
    ["Camera", name.trim()],
    ["Lens", asset.lens_model],
    ["Exposure", exposure.filter(Boolean).join(" · ")],
  ];
}

function filmLines(asset) {
  if (!asset.duration_s) return [];
  return [
    ["Length", duration(asset.duration_s)],
    ["Format", [asset.video_codec, asset.audio_codec].filter(Boolean).join(" · ")],
    ["Frames", asset.frame_rate && `${Number(asset.frame_rate.toFixed(2))} per second`],
  ];
}

function placeLines(asset, place) {
  if (asset.latitude == null || asset.longitude == null) return [];
  return [
    ["Where", place],
    ["Position", position(asset.latitude, asset.longitude), `geo:${asset.latitude},${asset.longitude}`],
    ["Altitude", asset.altitude_m != null && `${Math.round(asset.altitude_m)} m`],
  ];
}

function fileLines(photo, asset) {
  const megapixels = (photo.width * photo.height) / 1e6;
  const pixels = photo.width && photo.height && `${photo.width} × ${photo.height}`;
  return [
    ["Size", [pixels, megapixels >= 0.1 && `${megapixels.toFixed(1)} MP`, bytes(photo.size_bytes)].filter(Boolean).join(" · ")],
    ["Kind", photo.mime_type],
    ["Library", photo.library],
    ["Path", photo.path],
    ["Sidecar", asset.has_sidecar && "XMP file"],
    ["Checksum", photo.content_hash ?? "Not read yet"],
  ];
}

/** A heading and its lines; null when nothing is known. */
function group(title, lines) {
  const present = lines.filter(([, value]) => value);
  if (!present.length) return title && lines.length === 1 && lines[0][0] === "" ? heading(title) : null;
  const section = document.createElement("section");
  if (title) section.append(heading(title));
  const list = document.createElement("dl");
  for (const [name, value, link] of present) {
    const term = document.createElement("dt");
    const detail = document.createElement("dd");
    term.textContent = name;
    detail.textContent = link ? "" : value;
    if (link) detail.append(Object.assign(document.createElement("a"), { href: link, textContent: value }));
    if (name === "Checksum" || name === "Path") detail.className = "code";
    list.append(...(name ? [term, detail] : [Object.assign(detail, { className: "whole" })]));
  }
  section.append(list);
  return section;
}

function heading(text) {
  return Object.assign(document.createElement("h3"), { textContent: text });
}
