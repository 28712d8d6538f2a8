// The studio: its runs, and one of them at a time.

const TICK = 1000; // ms between two updates of the time that is left

// Changing a live region only where its words change keeps screen readers from repeating them.
function set(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

let presetsShown = "";
let later = 0; // timer of the next look
async function look() {
  overview = await ask("/api/overview");
  const presets = JSON.stringify(overview.presets);
  if (presets !== presetsShown) listPresets(overview.presets);
  presetsShown = presets;
  listPictures(overview.pictures, overview.unlisted);
  listRuns(overview.runs);
  ready();
  const measures = overview.presets.some(({ seconds, steps }) => steps && seconds === null);
  clearTimeout(later);
  if (measures || overview.working) later = setTimeout(relook, 3000);
}
const relook = () => look().catch(lost);

function lost(error) {
  $("#lost").textContent = error ? error.message : "";
  $("#lost").hidden = !error;
}

// A run ---------------------------------------------------------------------------------------------

const PHASES = {
  starting: "Loading PyTorch",
  preparing: "Preparing the pictures",
  training: "Training",
  writing: "Writing the picture",
  choosing: "Choose a candidate",
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
  $("#run .progress").hidden = false;
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
  const own = stream;
  stream.addEventListener("gone", (event) => {
    own.close();
    if (own === stream) leave(new Error(sentence(JSON.parse(event.data))));
  });
  stream.addEventListener("error", async () => {
    const gone = await whyClosed(own, address(name));
    if (own !== stream) return;
    if (gone) leave(gone);
    else lost(new Error("The studio does not answer. A training goes on; open the studio again to see it."));
  });
}

// Show nothing of a run but why: its folder was removed, or the studio was started anew.
function leave(reason) {
  now = null;
  versions.clear();
  lost(null);
  for (const place of RUN_PARTS) $(place).hidden = true;
  $("#warnings").replaceChildren();
  runFault(reason);
  look().catch(lost);
}
const RUN_PARTS = ["#run .progress", "#candidates", "#viewer", "#losses"];

function hear(run) {
  const began = now === null;
  const worked = now?.working;
  now = run;
  $("#run-title").textContent = run.job?.output ?? run.name;
  $("#inputs").textContent = run.job ? `${run.job.painting}, with the look of ${run.job.photos.join(" and ")}, ${run.job.preset}` : "";
  const { phase, message, warnings, doing } = run.state;
  const works = WORKING.includes(phase);
  const named = phase === "preparing" && doing ? doing[0].toUpperCase() + doing.slice(1) : PHASES[phase];
  set($("#phase"), run.stopping && phase !== "writing" ? "Stopping" : named);
  $("#stop").hidden = !works;
  $("#stop").disabled = run.stopping;
  $("#resume").hidden = works || phase === "finished" || phase === "choosing" || !run.resumable;
  $("#resume").disabled = Boolean(run.working);
  $("#resume").textContent = phase === "failed" ? "Try again" : "Continue";
  runFault(phase === "failed" ? new Error(sentence(message)) : null);
  $("#warnings").replaceChildren(...warnings.map((text) => element("li", { textContent: sentence(text) })));
  candidates.show(run);
  $("#download").hidden = $("#brushes").hidden = works || !run.trained || candidates.looked() !== null;
  $("#longer").hidden = works || !run.trained || !run.resumable || phase === "choosing";
  tellLonger();
  tick();
  showViews(run);
  brush.heard(run.name, run.views.mask).catch(lost);
  fillCard(run, run.working === run.name);
  showLosses(run.losses, run.state.curves);
  showMade(run.made);
  if (!began && worked !== run.working) look().catch(lost);
}

// Steps and time, which go on between two reports.
function tick() {
  if (!now) return;
  const { phase, step, steps, fraction, remaining, at, message, candidate } = now.state;
  const bar = $("#bar");
  const passed = Math.max(0, Date.now() / 1000 - at);
  bar.hidden = ["choosing", "stopped", "failed"].includes(phase);
  if (phase === "training" && remaining !== null) {
    const left = Math.max(0, remaining - passed);
    const share = remaining > 0 ? Math.min(1, passed / remaining) : 1;
    bar.value = Math.min(0.995, fraction + (1 - fraction) * share);
    const of = steps ? ` of ${steps.toLocaleString("en")}` : "";
    const place =
      candidate === null
        ? `step ${step.toLocaleString("en")}${of}`
        : `candidate ${candidate} of ${now.variations?.candidates.length ?? "several"}`;
    set($("#detail"), `${place}, about ${roughly(left)} left`);
  } else {
    if (phase === "finished") bar.value = 1;
    else bar.removeAttribute("value");
    const done = step ? `after ${plural(step, "step")}` : phase === "finished" ? "without training" : "";
    set($("#detail"), phase === "failed" ? "" : waitsFor() || done || message);
  }
}
setInterval(tick, TICK);

// What candidates wait for, in words; empty where there are none, or one of them makes the picture.
function waitsFor() {
  const { phase } = now.state;
  if (!now.variations || now.job?.chosen) return "";
  if (phase === "choosing") return "look at them, then go on with one";
  if (phase !== "stopped") return "";
  const trained = now.variations.candidates.filter(({ score }) => score !== null).length;
  const count = `${trained} of ${now.variations.candidates.length} candidates are trained`;
  return now.resumable ? count : `${count}; the command that began them trains the others`;
}

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

function showViews({ name, views, job, state }) {
  const looked = candidates.looked();
  const latest = (views.live ?? 0) > (views.result ?? 0) ? "live" : "result";
  const result = views[latest] === null ? "painting" : latest;
  const unfinished = result === "live" || WORKING.includes(state.phase);
  nameResult(looked ? `Candidate ${looked.number}` : result === "painting" ? null : unfinished ? "Result so far" : "Result");
  const keep = result === "result" && !looked ? kept().join(",") : "";
  const view = (which, more = "") =>
    views[which] === null ? null : address(name, `/views/${which}?v=${views[which]}${more}`);
  const of = looked && address(name, `/candidates/${looked.number}`);
  const sources = {
    painting: view("painting"),
    photo: of && job.each_photo ? `${of}/photo?v=${views.photo}` : view("photo"),
    result: of ? `${of}?v=${looked.picture}` : view(result, keep && `&keep=${keep}`),
  };
  for (const [kind, source] of Object.entries(sources)) {
    if (source === null || versions.get(kind) === source) continue;
    versions.set(kind, source);
    const picture = new Image();
    picture.src = source;
    const told = (text) => kind === "result" && set($("#keep-told"), text);
    told(keep ? "Computing …" : "");
    picture.decode().then(
      () => {
        if (versions.get(kind) !== source) return;
        place(kind, picture);
        told("");
      },
      () => {
        if (versions.get(kind) !== source) return;
        versions.delete(kind);
        told(keep ? "It cannot be shown here; the download has it." : "");
      },
    );
  }
}

// Say what the right side of the slider shows; null where that is the painting, as there is no result yet.
function nameResult(called) {
  const caption = called ?? "Result, not there yet";
  if ($("#result-caption").textContent === caption) return;
  set($("#result-caption"), caption);
  const inside = caption.toLowerCase();
  set($("#slider-title"), called ? `Painting and ${inside}` : "Painting");
  const right = inside.startsWith("result") ? `the ${inside}` : inside;
  set($("#sides"), called ? `the painting is on the left, ${right} on the right.` : "there is no result yet, so the painting is on both sides.");
  for (const layer of $$(".pane .layer[data-view=result]")) layer.alt = caption;
  set($("#after option"), called ?? "Painting");
  $("#viewer").dispatchEvent(new Event("pictures"));
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
    brush.begin(now.name, picture, now.views.mask);
  } else if (kind === "photo") {
    for (const layer of layers) Object.assign(layer, { width, height });
  }
  $("#viewer").dispatchEvent(new Event("pictures"));
}

// The start -------------------------------------------------------------------------------------------

function named() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return ""; // a person has typed it
  }
}
addEventListener("popstate", () => open(named())); // which links to a run cause too
choose("painting", null);
choose("photo", null);
several.show();
const trained = () => overview.runs.find(({ name }) => name === overview.working)?.name; // it may be a batch
look().then(() => open(named() || trained() || ""), lost);
