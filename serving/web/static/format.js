// Values as people read them.

const monthName = new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" });
const day = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat("en", { timeStyle: "short", timeZone: "UTC" });
const number = new Intl.NumberFormat("en");

export const count = (value) => number.format(value);

/** Wall times carry no zone: read and shown as UTC, so that nothing is shifted. */
const wall = (text) => new Date(/Z$/.test(text) ? text : `${text}Z`);

export const NO_DATE = "0001-01"; // the month of what has no date

export function monthsTitle(first, last) {
  if (last === NO_DATE) return "Without a date";
  const [year, month] = last.split("-").map(Number);
  const until = monthName.format(Date.UTC(2000, month - 1));
  if (first === last) return `${until} ${year}`;
  return `${monthName.format(Date.UTC(2000, Number(first.split("-")[1]) - 1))} – ${until} ${year}`;
}

export const dateOf = (text) => day.format(wall(text));
export const timeOf = (text) => clock.format(wall(text));

export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts
    .slice(parts[0] ? 0 : 1)
    .map((part, index) => (index ? String(part).padStart(2, "0") : part))
    .join(":");
}

export function bytes(size) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let step = 0;
  let value = size;
  while (value >= 1000 && step < units.length - 1) [value, step] = [value / 1000, step + 1];
  return `${step && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}

export function position(latitude, longitude) {
  const side = (value, plus, minus) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? minus : plus}`;
  return `${side(latitude, "N", "S")}, ${side(longitude, "E", "W")}`;
}

export function describe(photo) {
  const kind = { photo: "Photo", raw: "RAW photo", video: "Video" }[photo.media_type] ?? "File";
  return photo.taken_at ? `${kind} ${photo.file_name}, ${dateOf(photo.taken_at)}` : `${kind} ${photo.file_name}`;
}
