// Owns the drawing of progress over time as SVG; must be given its figures and its words.

import { svg } from "../elements/dom.js";

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [168, 40, 12, 10, 24];

/**
 * @param {import("./history.js").History["curves"]} curves
 * @param {{untilMs: number, width: number, label: string, time: (ms: number) => string}} options
 * @returns {SVGElement|null} null when there is nothing to draw
 */
export function drawChart(curves, { untilMs, width, label, time }) {
  const first = curves[0]?.points[0][0];
  if (first === undefined) return null;
  const last = Math.max(untilMs, ...curves.map(({ points }) => points[points.length - 1][0]), first + 1_000);
  const x = (/** @type {number} */ ms) => LEFT + ((ms - first) / (last - first)) * (width - LEFT - RIGHT);
  const y = (/** @type {number} */ percent) => HEIGHT - BOTTOM - (percent / 100) * (HEIGHT - TOP - BOTTOM);
  const chart = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, class: "chart", role: "img", "aria-label": label });
  for (const percent of [0, 25, 50, 75, 100]) {
    chart.append(svg("path", { class: percent ? "grid" : "axis", d: `M${LEFT} ${y(percent)}H${width - RIGHT}` }));
    if (percent % 50 === 0) chart.append(text(LEFT - 8, y(percent) + 4, `${percent}%`, "end"));
  }
  chart.append(text(LEFT, HEIGHT - 6, time(first), "start"), text(width - RIGHT, HEIGHT - 6, time(last), "end"));
  curves.forEach(({ points }, index) => {
    const newest = index === curves.length - 1;
    const line = points.map(([ms, percent]) => `${x(ms).toFixed(1)} ${y(percent).toFixed(1)}`);
    const end = newest ? Math.max(points[points.length - 1][0], untilMs) : points[points.length - 1][0];
    line.push(`${x(end).toFixed(1)} ${y(points[points.length - 1][1]).toFixed(1)}`);
    chart.append(
      svg("path", { class: newest ? "area" : "area old", d: `M${line.join("L")}V${y(0)}H${x(points[0][0]).toFixed(1)}Z` }),
      svg("path", { class: newest ? "curve" : "curve old", d: `M${line.join("L")}` }),
    );
    if (index) chart.append(svg("path", { class: "turn", d: `M${x(points[0][0]).toFixed(1)} ${TOP}V${y(0)}` }));
    const [ms, percent] = points[points.length - 1];
    if (newest) chart.append(svg("circle", { class: "dot", cx: x(Math.max(ms, end)).toFixed(1), cy: y(percent).toFixed(1), r: 4 }));
  });
  return /** @type {SVGElement} */ (chart);
}

/** @param {number} x @param {number} y @param {string} words @param {string} anchor */
function text(x, y, words, anchor) {
  const element = svg("text", { x, y, "text-anchor": anchor });
  element.append(words);
  return element;
}
