// Brush: where it painted, the painting's own pixels lie above the result. ------------------------------

const brush = (() => {
  const [shallow, kept] = $$("canvas.kept"); // in the slider, and in the pane, where one paints
  const pane = kept.closest(".pane");
  const ring = $("#ring");
  const held = document.createElement("canvas"); // black where the painting is kept, transparent elsewhere
  const tools = { colorSpace: "srgb" };
  let painting = null;
  let base = null; // what was painted before the page was opened
  let strokes = []; // since then: { keep, radius, points }
  let stroke = null;
  let spot = { x: 0.5, y: 0.5 }; // of the brush, as shares of the picture
  let run = null; // name of the run
  let version = null; // of the mask that is stored, as far as is known here
  const waiting = new Map(); // name of a run -> its mask, which is about to be sent
  let sending = 0; // masks that wait or are on their way
  let sent = Promise.resolve();
  let loaded = Promise.resolve();

  const on = () => $("#brush").getAttribute("aria-pressed") === "true";
  const radius = () => Math.max(1, ($("#width").value / 200) * Math.min(held.width, held.height));

  // Take up the painting of a run; where it came once more, what was painted stays.
  function begin(name, picture, stored) {
    if (name === run && picture.naturalWidth === held.width && picture.naturalHeight === held.height) {
      painting = picture;
      return redraw();
    }
    [run, painting, version] = [name, picture, stored];
    for (const canvas of [shallow, kept, held]) {
      [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    }
    [base, strokes, stroke] = [null, [], null];
    loaded = load();
    tell();
  }

  // Take up the stored mask: white where the result shows. Until it is there, what was painted stays; `anew`, it goes then.
  async function load(anew = false) {
    const [name, stored] = [run, version];
    if (stored === null) return;
    const picture = new Image();
    picture.src = address(name, `/views/mask?v=${stored}`);
    try {
      await picture.decode();
    } catch {
      return; // it was removed meanwhile, as will be heard
    }
    if (name !== run || stored !== version || (anew && busy())) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: held.width, height: held.height });
    const context = canvas.getContext("2d", tools);
    context.drawImage(picture, 0, 0, held.width, held.height);
    const values = context.getImageData(0, 0, held.width, held.height);
    for (let i = 0; i < values.data.length; i += 4) {
      values.data[i + 3] = 255 - values.data[i];
      values.data[i] = values.data[i + 1] = values.data[i + 2] = 0;
    }
    context.putImageData(values, 0, 0);
    base = canvas;
    if (anew) strokes = [];
    redraw();
  }

  // Another page on the same run may have painted: what is shown is what is stored, and what a download is made with. The
  // studio is asked once more, as a report may have been under way while this page sent a mask itself.
  async function heard(name, stored) {
    if (name !== run || stored === version || busy()) return;
    const { views } = await ask(address(name));
    if (name !== run || views.mask === version || busy()) return;
    version = views.mask;
    loaded = load(true);
    if (version !== null) return;
    [base, strokes] = [null, []];
    redraw();
  }
  const busy = () => Boolean(sending || stroke);

  // Soft dabs along a stroke, from its point with this number on; returns the box that they lie in.
  function dab({ keep, radius: reach, points }, from) {
    const context = held.getContext("2d", tools);
    context.globalCompositeOperation = keep ? "source-over" : "destination-out";
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    points.slice(from).forEach(([x, y]) => {
      const soft = context.createRadialGradient(x, y, 0.7 * reach, x, y, reach);
      soft.addColorStop(0, "#000f");
      soft.addColorStop(1, "#0000");
      context.fillStyle = soft;
      context.fillRect(x - reach, y - reach, 2 * reach, 2 * reach);
      box[0] = Math.min(box[0], x - reach);
      box[1] = Math.min(box[1], y - reach);
      box[2] = Math.max(box[2], x + reach);
      box[3] = Math.max(box[3], y + reach);
    });
    return box;
  }

  // Show the painting's pixels where it is kept, within a box.
  function show([left, top, right, bottom]) {
    const [x, y] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
    const width = Math.min(held.width, Math.ceil(right)) - x;
    const height = Math.min(held.height, Math.ceil(bottom)) - y;
    if (!(width > 0 && height > 0)) return;
    for (const canvas of [kept, shallow]) {
      const context = canvas.getContext("2d", tools);
      context.save();
      context.beginPath();
      context.rect(x, y, width, height);
      context.clip();
      context.clearRect(x, y, width, height);
      context.drawImage(held, x, y, width, height, x, y, width, height);
      context.globalCompositeOperation = "source-in";
      context.drawImage(painting, x, y, width, height, x, y, width, height);
      context.restore();
    }
  }

  function redraw() {
    const context = held.getContext("2d", tools);
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, held.width, held.height);
    if (base) context.drawImage(base, 0, 0);
    for (const each of strokes) dab(each, 0);
    show([0, 0, held.width, held.height]);
    tell();
  }

  function tell() {
    $("#undo").disabled = !strokes.length;
    $("#clear").disabled = !painted();
  }

  const painted = () => Boolean(base || strokes.length);

  // Points of a stroke lie close together, so that dabs join to a line.
  function extend(x, y) {
    const { points, radius: reach } = stroke;
    const from = points.length;
    const [a, b] = points[from - 1] ?? [x, y];
    const count = Math.max(1, Math.ceil(Math.hypot(x - a, y - b) / Math.max(1, reach / 4)));
    for (let i = 1; i <= count; i += 1) points.push([a + ((x - a) * i) / count, b + ((y - b) * i) / count]);
    show(dab(stroke, from));
  }

  function start(x, y) {
    stroke = { keep: $("[name=brush]:checked").value === "keep", radius: radius(), points: [] };
    extend(x, y);
  }

  function end() {
    if (!stroke) return;
    strokes.push(stroke);
    stroke = null;
    tell();
    save();
  }

  // The mask as it is sent: white where the result shows; null if it shows everywhere.
  function mask() {
    if (!painted()) return null;
    const canvas = Object.assign(document.createElement("canvas"), { width: held.width, height: held.height });
    const context = canvas.getContext("2d", tools);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(held, 0, 0);
    return canvas;
  }

  async function send(name) {
    const canvas = waiting.get(name);
    waiting.delete(name);
    const blob = canvas ? await new Promise((done) => canvas.toBlob(done, "image/png")) : "";
    const { version: stored } = await ask(address(name, "/mask"), { method: "POST", body: blob });
    if (name === run) version = stored;
  }

  // One after another; a mask that is painted while another one waits goes in its place.
  function save() {
    const name = run;
    const queued = waiting.has(name);
    waiting.set(name, mask());
    if (queued) return;
    sending += 1;
    sent = sent
      .catch(() => {})
      .then(() => send(name))
      .finally(() => (sending -= 1));
    sent.catch(runFault);
  }

  const place = (event) => {
    const box = kept.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  function moveRing() {
    const [box, frame] = [kept.getBoundingClientRect(), kept.parentElement.getBoundingClientRect()];
    const size = (2 * radius() * box.width) / held.width;
    Object.assign(ring.style, {
      left: `${box.left - frame.left + spot.x * box.width}px`,
      top: `${box.top - frame.top + spot.y * box.height}px`,
      width: `${size}px`,
      height: `${size}px`,
    });
  }

  // The viewer moves pictures with the pointer and with arrow keys; while the brush is on, it does not hear of them.
  const own = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  pane.addEventListener(
    "pointerdown",
    (event) => {
      if (!on() || event.button !== 0) return;
      own(event);
      $("#panes").focus({ preventScroll: true });
      pane.setPointerCapture(event.pointerId);
      const [x, y] = place(event);
      start(x * held.width, y * held.height);
    },
    true,
  );
  pane.addEventListener(
    "pointermove",
    (event) => {
      if (!on()) return;
      own(event);
      const [x, y] = place(event);
      spot = { x, y };
      moveRing();
      if (stroke) extend(x * held.width, y * held.height);
    },
    true,
  );
  for (const last of ["pointerup", "pointercancel"]) pane.addEventListener(last, end, true);
  pane.addEventListener("dblclick", (event) => on() && own(event), true);

  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  $("#viewer").addEventListener(
    "keydown",
    (event) => {
      if (!on() || event.target !== $("#panes")) return;
      if (event.key === " ") {
        own(event);
        start(spot.x * held.width, spot.y * held.height);
        end();
      } else if (steps[event.key]) {
        own(event);
        const step = event.shiftKey ? 0.1 : 0.02;
        const [x, y] = steps[event.key];
        spot = { x: Math.min(1, Math.max(0, spot.x + step * x)), y: Math.min(1, Math.max(0, spot.y + step * y)) };
        moveRing();
      }
    },
    true,
  );

  $("#brush").addEventListener("click", () => {
    const pressed = !on();
    $("#brush").setAttribute("aria-pressed", pressed);
    $("#brush-tools").hidden = $("#brush-hint").hidden = ring.hidden = !pressed;
    pane.classList.toggle("painting-now", pressed);
    moveRing();
  });
  $("#width").addEventListener("input", moveRing);
  $("#undo").addEventListener("click", () => {
    strokes.pop();
    redraw();
    save();
  });
  $("#clear").addEventListener("click", () => {
    [base, strokes] = [null, []];
    redraw();
    save();
  });

  return { begin, heard, painted, saved: () => loaded.then(() => sent) };
})();
