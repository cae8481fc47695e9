// Justified rows: every photo in its own proportions, every row as wide as the page.

const NARROWEST = 0.45;
const WIDEST = 3.2;

export function ratioOf(photo) {
  const ratio = photo.width && photo.height ? photo.width / photo.height : 1;
  return Math.min(WIDEST, Math.max(NARROWEST, ratio));
}

/**
 * Break photos into rows.
 * @param {number[]} ratios width / height of each
 * @param {{width: number, height: number, gap: number}} page pixels; height is the one rows aim at
 * @returns {{from: number, to: number, height: number}[]} the last row keeps the aimed height when it is not full
 */
export function justify(ratios, { width, height, gap }) {
  const rows = [];
  let from = 0;
  let sum = 0;
  ratios.forEach((ratio, index) => {
    const room = width - gap * (index - from);
    const before = (room + gap) / sum; // the row's height without this photo
    const after = room / (sum + ratio);
    if (after < height && index > from && before / height < height / after) {
      rows.push({ from, to: index, height: before });
      [from, sum] = [index, ratio];
    } else if (after <= height) {
      rows.push({ from, to: index + 1, height: after });
      [from, sum] = [index + 1, 0];
    } else {
      sum += ratio;
    }
  });
  if (from < ratios.length) {
    const full = (width - gap * (ratios.length - from - 1)) / sum;
    rows.push({ from, to: ratios.length, height: Math.min(full, height) });
  }
  return rows;
}

/** How high so many photos will be, before anything is known of them. */
export function estimate(count, { width, height, gap }) {
  const perRow = Math.max(1, width / (height * 1.35 + gap));
  return Math.ceil(count / perRow) * (height + gap);
}
