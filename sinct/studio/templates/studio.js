// The studio: choosing, training, watching and downloading. The viewer is the report's.
{
  const TICK = 1000; // ms between two updates of the time that is left

  history.replaceState(null, "", location.pathname + location.hash); // the token has become a cookie

  const part = encodeURIComponent;
  const address = (run, rest = "") => `/api/runs/${part(run)}${rest}`;

  // Ask the studio; a refusal comes as an error with its one line.
  async function ask(path, options = {}) {
    let answer;
    try {
      answer = await fetch(path, options);
    } catch {
      throw new Error("The studio does not answer. Is it still running in its terminal?");
    }
    const text = await answer.text();
    let values = {};
    try {
      values = JSON.parse(text);
    } catch {
      values = { error: text };
    }
    if (!answer.ok) throw new Error(sentence(values.error || `The studio answered with ${answer.status}.`));
    return values;
  }
  const post = (path, values = {}) => ask(path, { method: "POST", body: JSON.stringify(values) });

  const sentence = (text) => text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
  const plural = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

  // A duration as one speaks of what lies ahead.
  function roughly(seconds) {
    if (seconds < 20) return plural(Math.max(1, Math.round(seconds)), "second");
    if (seconds < 90) return plural(5 * Math.round(seconds / 5), "second");
    if (seconds < 90 * 60) return plural(Math.round(seconds / 60), "minute");
    if (seconds < 36 * 3600) return plural(Math.round(seconds / 3600), "hour");
    return plural(Math.round(seconds / 86400), "day");
  }

  // Choosing a painting and a photo -------------------------------------------------------------------

  const wells = { painting: $("#painting"), photo: $("#photo") };
  const chosen = { painting: null, photo: null };
  const copying = { painting: 0, photo: 0 };
  let overview = null;

  const fault = (error) => ($("#fault").textContent = error ? error.message : "");

  function choose(kind, name) {
    chosen[kind] = name;
    const well = wells[kind];
    $(".chosen", well).hidden = !name;
    $(".choose", well).hidden = Boolean(name);
    $(".name", well).textContent = name ?? "";
    if (name) {
      const picture = $(".chosen img", well);
      picture.src = `/api/pictures/${part(name)}`;
      picture.alt = `The ${kind}, ${name}`;
    }
    ready();
  }

  function ready() {
    const missing = Object.keys(chosen).filter((kind) => !chosen[kind]);
    const busy = overview?.working;
    const waits = copying.painting + copying.photo > 0;
    $("#start").disabled = Boolean(missing.length || busy || waits);
    $("#swap").disabled = missing.length === 2;
    $("#start-hint").textContent = waits
      ? "The file is being copied …"
      : missing.length
        ? `Choose a ${missing.join(" and a ")} first.`
        : busy
          ? `${busy} is being worked on; one thing is done at a time.`
          : "";
  }

  async function upload(kind, file) {
    fault(null);
    const most = Number(document.body.dataset.mostBytes);
    copying[kind] += 1;
    ready();
    try {
      if (file.size > most) {
        throw new Error(`${file.name} is larger than the ${most / 1e9} GB that are taken. Copy it into the folder instead.`);
      }
      const { name } = await ask(`/api/pictures?name=${part(file.name)}`, { method: "POST", body: file });
      choose(kind, name);
      await look();
    } catch (error) {
      fault(error);
    } finally {
      copying[kind] -= 1;
      ready();
    }
  }

  // Two files at once are painting and photo, in this order unless their names say otherwise.
  function take(kind, files) {
    const [first, second] = files;
    if (!second) return upload(kind, first);
    const turned = /photo/i.test(first.name) && !/photo/i.test(second.name);
    return Promise.all([upload("painting", turned ? second : first), upload("photo", turned ? first : second)]);
  }

  for (const [kind, well] of Object.entries(wells)) {
    const input = $("input", well);
    input.addEventListener("change", async () => {
      if (input.files.length) await take(kind, [...input.files]);
      input.value = "";
      if (chosen[kind]) $(".remove", well).focus();
    });
    $("select", well).addEventListener("change", (event) => {
      if (event.target.value) choose(kind, event.target.value);
      event.target.value = "";
      $(".remove", well).focus();
    });
    $(".remove", well).addEventListener("click", () => {
      choose(kind, null);
      input.focus();
    });
  }

  // A file may be dropped anywhere; one beside the wells goes to the first that is empty.
  let over = null;
  const mark = (well) => {
    over?.classList.remove("over");
    over = well;
    over?.classList.add("over");
  };
  addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(event.target.closest?.(".well") ?? null);
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? mark(null));
  addEventListener("drop", (event) => {
    event.preventDefault();
    const kind = over?.id ?? (chosen.painting && !chosen.photo ? "photo" : "painting");
    mark(null);
    if (event.dataTransfer.files.length) take(kind, [...event.dataTransfer.files]);
  });

  $("#swap").addEventListener("click", () => {
    const { painting, photo } = chosen;
    choose("painting", photo);
    choose("photo", painting);
  });

  $("#form").addEventListener("submit", async (event) => {
    event.preventDefault();
    fault(null);
    $("#start").disabled = true;
    try {
      const preset = $("#presets :checked").value;
      const { name } = await post("/api/runs", { painting: chosen.painting, photos: [chosen.photo], preset });
      open(name);
      $("#run-title").focus();
      scrollTo(0, 0);
      await look();
    } catch (error) {
      fault(error);
    }
    ready();
  });

  // The folder ----------------------------------------------------------------------------------------

  const element = (name, values = {}, ...inside) => {
    const made = Object.assign(document.createElement(name), values);
    made.append(...inside);
    return made;
  };

  function listPresets(presets) {
    const before = $("#presets :checked")?.value;
    const wanted = before ?? (presets.find(({ name }) => name === "draft") ?? presets[0]).name;
    const takes = ({ seconds, steps }) =>
      !steps ? "a moment" : seconds === null ? plural(steps, "step") : `about ${roughly(seconds)}`;
    const cards = presets.map((preset) =>
      element(
        "label",
        {},
        element("input", { type: "radio", name: "preset", value: preset.name, checked: preset.name === wanted }),
        element("span", { className: "title" }, sentence(preset.name).slice(0, -1), element("span", { textContent: takes(preset) })),
        element("span", { className: "about", textContent: preset.about }),
      ),
    );
    const focused = document.activeElement?.name === "preset";
    $("#presets").replaceChildren(...cards);
    if (focused) $("#presets :checked").focus();
  }

  function listPictures(names) {
    for (const well of Object.values(wells)) {
      const first = element("option", { value: "", textContent: "Choose …" });
      $("select", well).replaceChildren(first, ...names.map((name) => element("option", { value: name, textContent: name })));
      $(".from", well).hidden = !names.length;
    }
  }

  function listRuns(runs) {
    const cards = runs.map((run) => {
      const link = element(
        "a",
        { href: `#${part(run.name)}` },
        run.shown
          ? element("img", { src: run.shown, alt: "", loading: "lazy" })
          : element("span", { className: "blank", textContent: "no picture yet" }),
        element("span", { className: "title", textContent: run.output || run.name }),
        element("span", { className: "below", textContent: `${run.painting || "?"}, ${run.photos.join(", ") || "?"}` }),
      );
      link.dataset.run = run.name;
      return element("li", {}, link);
    });
    $("#earlier").hidden = !runs.length;
    $("#runs").replaceChildren(...cards);
    markRun();
  }

  function markRun() {
    for (const link of $$("#runs a")) link.ariaCurrent = link.dataset.run === shown ? "page" : null;
  }

  let presetsShown = "";
  async function look() {
    overview = await ask("/api/overview");
    const presets = JSON.stringify(overview.presets);
    if (presets !== presetsShown) listPresets(overview.presets);
    presetsShown = presets;
    listPictures(overview.pictures);
    listRuns(overview.runs);
    ready();
    if (overview.presets.some(({ seconds, steps }) => steps && seconds === null)) setTimeout(relook, 3000);
  }
  const relook = () => look().catch(lost);

  function lost(error) {
    $("#lost").textContent = error ? error.message : "";
    $("#lost").hidden = !error;
  }

  // A run ---------------------------------------------------------------------------------------------

  const PHASES = {
    starting: "Starting",
    preparing: "Preparing the pictures",
    training: "Training",
    writing: "Writing the picture",
    finished: "Finished",
    stopped: "Stopped",
    failed: "Not finished",
  };
  const WORKING = ["starting", "preparing", "training", "writing"];

  let shown = null; // name of the run that is shown; empty for the form
  let stream = null;
  let now = null; // what was last heard of it
  let awaited = false; // whether a picture is made for download
  const runFault = (error) => ($("#run-fault").textContent = error ? error.message : "");

  // Show a run; an empty name shows the form for a new one.
  function open(name) {
    if (shown === name) return;
    stream?.close();
    [shown, now, awaited] = [name, null, false];
    versions.clear();
    $("#viewer").hidden = true;
    $("#new").hidden = Boolean(name);
    $("#run").hidden = !name;
    runFault(null);
    $("#made").textContent = "";
    $("#link").hidden = true;
    if (named() !== name) history.pushState(null, "", `#${part(name)}`);
    markRun();
    if (!name) return;
    $("#run-title").textContent = name;
    stream = new EventSource(address(name, "/events")); // the browser connects again by itself
    stream.addEventListener("message", (event) => {
      lost(null);
      if (shown === name) hear(JSON.parse(event.data));
    });
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED && now === null) {
        runFault(new Error(`There is no ${name} in this folder.`));
      } else {
        lost(new Error("The studio does not answer. A training goes on; open the studio again to see it."));
      }
    });
  }

  function hear(run) {
    const began = now === null;
    const worked = now?.working;
    now = run;
    $("#run-title").textContent = run.job?.output ?? run.name;
    $("#inputs").textContent = run.job ? `${run.job.painting}, with the look of ${run.job.photos.join(" and ")}, ${run.job.preset}` : "";
    const { phase, message, warnings } = run.state;
    const works = WORKING.includes(phase);
    set($("#phase"), run.stopping && phase !== "writing" ? "Stopping" : PHASES[phase]);
    $("#stop").hidden = !works;
    $("#stop").disabled = run.stopping;
    $("#resume").hidden = works || phase === "finished" || !run.job;
    $("#resume").disabled = Boolean(run.working);
    $("#resume").textContent = phase === "failed" ? "Try again" : "Continue";
    runFault(phase === "failed" ? new Error(sentence(message)) : null);
    $("#warnings").replaceChildren(...warnings.map((text) => element("li", { textContent: sentence(text) })));
    $("#download").hidden = $("#brushes").hidden = works || !run.trained;
    tick();
    showViews(run.views);
    showLosses(run.losses, run.state.curves);
    showMade(run.made);
    if (!began && worked !== run.working) look().catch(lost);
  }

  // Changing a live region only where its words change keeps screen readers from repeating them.
  function set(place, text) {
    if (place.textContent !== text) place.textContent = text;
  }

  // Steps and time, which go on between two reports.
  function tick() {
    if (!now) return;
    const { phase, step, steps, fraction, remaining, at, message } = now.state;
    const bar = $("#bar");
    const passed = Math.max(0, Date.now() / 1000 - at);
    bar.hidden = phase === "stopped" || phase === "failed";
    if (phase === "training" && remaining !== null) {
      const left = Math.max(0, remaining - passed);
      const share = remaining > 0 ? Math.min(1, passed / remaining) : 1;
      bar.value = Math.min(0.995, fraction + (1 - fraction) * share);
      const of = steps ? ` of ${steps.toLocaleString("en")}` : "";
      set($("#detail"), `step ${step.toLocaleString("en")}${of}, about ${roughly(left)} left`);
    } else {
      if (phase === "finished") bar.value = 1;
      else bar.removeAttribute("value");
      const done = step ? `after ${plural(step, "step")}` : phase === "finished" ? "without training" : "";
      set($("#detail"), phase === "failed" ? "" : done || message);
    }
  }
  setInterval(tick, TICK);

  for (const [button, path] of [["#stop", "/stop"], ["#resume", "/resume"]]) {
    $(button).addEventListener("click", async () => {
      runFault(null);
      $(button).disabled = true;
      try {
        await post(address(shown, path));
        await look();
      } catch (error) {
        runFault(error);
        $(button).disabled = false;
      }
    });
  }

  // Pictures: each is fetched when its version changes, and shown once it has come. -----------------------

  const versions = new Map();

  function showViews(views) {
    const later = (views.live ?? 0) > (views.result ?? 0) ? "live" : "result";
    const result = views[later] === null ? "painting" : later;
    set($("#result-caption"), result === "painting" ? "Result, not there yet" : result === "live" ? "Result so far" : "Result");
    for (const [kind, view] of [["painting", "painting"], ["photo", "photo"], ["result", result]]) {
      if (views[view] === null) continue;
      const source = address(now.name, `/views/${view}?v=${views[view]}`);
      if (versions.get(kind) === source) continue;
      versions.set(kind, source);
      const picture = new Image();
      picture.src = source;
      picture.decode().then(() => versions.get(kind) === source && place(kind, picture), () => versions.delete(kind));
    }
  }

  // Painting and result have the painting's size on the page, whatever the size of a preview.
  function place(kind, picture) {
    const layers = $$(`[data-view=${kind}]`);
    for (const layer of layers) layer.src = picture.src;
    const { naturalWidth: width, naturalHeight: height } = picture;
    if (kind === "painting") {
      $("#viewer").hidden = false;
      for (const layer of $$("[data-view=painting], [data-view=result]")) Object.assign(layer, { width, height });
      for (const frame of $$("#viewer .frame")) frame.style.aspectRatio = `${width} / ${height}`;
      brush.begin(now.name, picture, now.views.mask === null ? null : address(now.name, `/views/mask?v=${now.views.mask}`));
    } else if (kind === "photo") {
      for (const layer of layers) Object.assign(layer, { width, height });
    }
    $("#viewer").dispatchEvent(new Event("pictures"));
  }

  // Strength: what the page shows is the same mixture that `apply` computes.
  const strength = $("#strength");
  strength.addEventListener("input", () => {
    $("#strength-value").value = `${strength.value} %`;
    $("#viewer").style.setProperty("--strength", strength.value / 100);
  });

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
    let waiting = false; // whether a mask is about to be sent
    let sent = Promise.resolve();

    const on = () => $("#brush").getAttribute("aria-pressed") === "true";
    const radius = () => Math.max(1, ($("#width").value / 200) * Math.min(held.width, held.height));

    function begin(name, picture, mask) {
      [run, painting] = [name, picture];
      for (const canvas of [shallow, kept, held]) {
        [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
      }
      [base, strokes, stroke] = [null, [], null];
      if (mask) load(mask);
      tell();
    }

    // Take up a stored mask: white where the result shows.
    async function load(source) {
      const picture = new Image();
      picture.src = source;
      await picture.decode();
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
      redraw();
    }

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

    // Send the mask: white where the result shows; nothing if it shows everywhere.
    async function send() {
      waiting = false;
      let blob = "";
      if (painted()) {
        const canvas = Object.assign(document.createElement("canvas"), { width: held.width, height: held.height });
        const context = canvas.getContext("2d", tools);
        context.fillStyle = "#fff";
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(held, 0, 0);
        blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
      }
      await ask(address(run, "/mask"), { method: "POST", body: blob });
    }

    // One after another; what is painted while a mask is sent goes with the next.
    function save() {
      if (waiting) return;
      waiting = true;
      sent = sent.catch(() => {}).then(send);
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

    return { begin, painted, saved: () => sent };
  })();

  // Download --------------------------------------------------------------------------------------------

  $("#make").addEventListener("click", async () => {
    runFault(null);
    $("#make").disabled = true;
    try {
      await brush.saved();
      const wish = { suffix: $("#suffix").value, strength: strength.value / 100, masked: brush.painted() };
      await post(address(shown, "/picture"), wish);
      awaited = true;
      $("#link").hidden = true;
      set($("#made"), "Computing the picture …");
    } catch (error) {
      runFault(error);
      $("#make").disabled = false;
    }
  });

  function showMade(made) {
    const making = made !== null && ["starting", "writing"].includes(made.phase);
    $("#make").disabled = Boolean(now.working);
    if (making) set($("#made"), "Computing the picture …");
    if (!awaited || making || made === null) return;
    awaited = false;
    if (made.phase === "failed") {
      set($("#made"), "");
      runFault(new Error(sentence(made.message)));
      return;
    }
    const link = $("#link");
    Object.assign(link, { href: address(shown, "/download"), download: made.file, textContent: made.file, hidden: false });
    set($("#made"), ["Ready:", ...made.warnings.map(sentence)].join(" "));
    link.click();
  }

  // Losses ----------------------------------------------------------------------------------------------

  const svg = (name, values, ...inside) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  };
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

  // The start -------------------------------------------------------------------------------------------

  const named = () => decodeURIComponent(location.hash.slice(1));
  addEventListener("popstate", () => open(named())); // which links to a run cause too
  choose("painting", null);
  choose("photo", null);
  const trained = () => overview.runs.find(({ name }) => name === overview.working)?.name; // it may be a batch
  look().then(() => open(named() || trained() || ""), lost);
}
