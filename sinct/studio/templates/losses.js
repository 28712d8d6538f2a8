// Losses: what the networks try to make small, as small drawings.

const short = (value) => (value === 0 ? "0" : String(+value.toPrecision(3)));

function curve({ name, label, unit }, losses) {
  const points = losses.filter((entry) => Number.isFinite(entry[name])).map((entry) => [entry.step, entry[name]]);
  if (!points.some(([, value]) => value)) return null; // its weight is 0
  const [width, height, left, bottom, top] = [280, 130, 44, 20, 8];
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [points[0], points[points.length - 1]];
  const x = (step) => left + ((width - left - 6) * (step - first[0])) / Math.max(1, last[0] - first[0]);
  const y = (value) => height - bottom - ((height - bottom - top) * (value - low)) / (high - low || 1);
  const line = points.map(([step, value], index) => `${index ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const told = `${label}: from ${short(first[1])} at step ${first[0]} to ${short(last[1])} at step ${last[0]}`;
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told },
    svg("path", { class: "axis", d: `M${left} ${top}V${height - bottom}H${width - 6}` }),
    svg("text", { x: left - 4, y: top + 8, "text-anchor": "end" }, short(high)),
    svg("text", { x: left - 4, y: height - bottom, "text-anchor": "end" }, high === low ? "" : short(low)),
    svg("text", { x: left, y: height - 5 }, `step ${first[0]}`),
    svg("text", { x: width - 6, y: height - 5, "text-anchor": "end" }, last[0] === first[0] ? "" : `${last[0]}`),
    svg("path", { d: line }),
    svg("circle", { cx: x(last[0]), cy: y(last[1]), r: 3 }),
  );
  return element("figure", {}, element("figcaption", {}, `${label} `, element("span", { textContent: unit })), drawing);
}

function showLosses(losses, curves) {
  const drawn = curves.map((each) => curve(each, losses)).filter(Boolean);
  $("#losses").hidden = !drawn.length;
  $("#curves").replaceChildren(...drawn);
}
