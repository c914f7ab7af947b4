// Owns the small charts of the tables as SVG; must be given their figures and their words.

import { svg } from "../elements/dom.js";

const [WIDTH, HEIGHT] = [132, 24];

/** @param {string} label @param {...Node} parts */
function frame(label, ...parts) {
  const ground = svg("path", { class: "ground-line", d: `M0 ${HEIGHT - 0.5}H${WIDTH}` });
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": label }, ...parts, ground);
}

/**
 * A bar for each stretch of time, what went wrong on top.
 * @param {readonly number[]} good
 * @param {readonly number[]} bad as many
 * @param {string} label
 */
export function drawBars(good, bad, label) {
  const most = Math.max(1, ...good.map((count, index) => count + bad[index]));
  const step = WIDTH / Math.max(1, good.length);
  const high = (/** @type {number} */ count) => (count ? Math.max(1.5, (count / most) * (HEIGHT - 2)) : 0);
  const bars = good.flatMap((count, index) => {
    const [low, top] = [high(count), high(bad[index])];
    const at = { x: (index * step).toFixed(1), width: Math.max(0.5, step - 0.6).toFixed(1) };
    const parts = [];
    if (low) parts.push(svg("rect", { class: "good", ...at, y: (HEIGHT - 1 - low).toFixed(1), height: low.toFixed(1) }));
    if (top) parts.push(svg("rect", { class: "bad", ...at, y: Math.max(0, HEIGHT - 1 - low - top).toFixed(1), height: top.toFixed(1) }));
    return parts;
  });
  return frame(label, ...bars);
}

/**
 * How a number went, from 0.
 * @param {readonly [number, number][]} points milliseconds and value
 * @param {string} label
 */
export function drawLine(points, label) {
  if (points.length < 2) return frame(label);
  const [from, to] = [points[0][0], points[points.length - 1][0]];
  const most = Math.max(1, ...points.map(([, value]) => value));
  const line = points.map(([ms, value]) => `${(((ms - from) / Math.max(1, to - from)) * WIDTH).toFixed(1)} ${(HEIGHT - 1.5 - (value / most) * (HEIGHT - 3)).toFixed(1)}`);
  return frame(label, svg("path", { class: "curve", d: `M${line.join("L")}` }));
}
