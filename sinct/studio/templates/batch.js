// A batch: its jobs, verdicts on their pictures, and one picture at a time. The viewer is the report's.
{
  const batch = document.body.dataset.batch;
  const home = batch ? `/batch?of=${part(batch)}` : "/batch";
  const asked = (path, values = {}) => `/api/batch/${path}?${new URLSearchParams({ of: batch, ...values })}`;
  history.replaceState(null, "", home + location.hash); // which a new visit finds, without the token

  // Changing a live region only where its words change keeps screen readers from repeating them.
  function set(place, text) {
    if (place.textContent !== text) place.textContent = text;
  }

  function lost(error) {
    $("#lost").textContent = error ? error.message : "";
    $("#lost").hidden = !error;
  }
  const fault = (error) => set($("#fault"), error ? error.message : "");

  const jobs = new Map(); // id -> what was last heard of it
  let order = []; // ids
  let state = null; // of the process that works
  let shown = ""; // id of the job whose picture is shown; empty for the table

  // What a job is, in words ---------------------------------------------------------------------------

  function standing(job) {
    if (job.state === "running") return state.working ? "running" : "waiting"; // a kill leaves it so
    if (job.state === "done" && job.verdict) return job.verdict;
    return job.state;
  }
  const interrupted = (job) => job.state === "running" && !state.working;
  const WORDS = { waiting: "Waiting", running: "Running", done: "Done", failed: "Failed", accepted: "Accepted", rejected: "Rejected" };
  const isPicture = (job) => job.state === "done" && job.kind !== "series";

  function clock(seconds) {
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    const two = (value) => String(value).padStart(2, "0");
    return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(Math.floor(seconds % 60))}`;
  }

  function facts(job) {
    const parts = [];
    if (interrupted(job)) parts.push("was interrupted");
    if (standing(job) === "running") {
      const [share, left] = state.shares[job.id] ?? [null, null];
      if (share !== null) parts.push(`${Math.round(100 * share)} %`);
      if (left !== null) parts.push(`about ${roughly(left)} left`);
      if (share === null && job.started !== null) parts.push(`for ${roughly(Math.max(0, Date.now() / 1000 - job.started))}`);
    }
    if (job.kind === "series") parts.push("a model for the other jobs");
    if (job.state === "done") {
      if (job.width && job.height) parts.push(`${job.width} × ${job.height} px`);
      if (job.seconds) parts.push(clock(job.seconds));
      parts.push(`${job.preset}, seed ${job.seed}`);
    }
    if (job.attempts > 1) parts.push(`${job.attempts} attempts`);
    return parts.join(" · ");
  }

  // The table: a row is made once, and changed where its job has changed. --------------------------------

  const rows = new Map(); // id -> { row, and its parts }
  // Say what a cell shows: a picture, once the cell is near the screen, or why there is none.
  function picture(place, job, role) {
    const found = job[role];
    place.classList.toggle("none", !found);
    if (found?.version === undefined) {
      for (const key of ["source", "wanted", "has"]) delete place.dataset[key];
      const none = role === "result" && job.state !== "done" ? "" : "no picture";
      const text = found ? `${found.missing}` : job.kind === "series" && role === "result" ? "a model" : none;
      if (place.textContent !== text || place.querySelector("img")) place.replaceChildren(element("span", { textContent: text }));
      return;
    }
    place.dataset.source = asked("picture", { job: job.id, role, v: found.version });
    thumbnails.changed(place);
  }

  function button(text, job, act) {
    const made = element("button", { type: "button", textContent: text });
    made.addEventListener("click", () => act(jobs.get(job.id), made));
    return made;
  }

  function makeRow(job) {
    const cell = (name, ...inside) => {
      const made = element("td", {}, ...inside);
      made.setAttribute("role", "cell");
      made.className = name;
      return made;
    };
    const thumb = () => element("a", { className: "thumbnail", href: `#${job.id}`, tabIndex: -1 });
    const parts = {
      painting: thumb(),
      result: thumb(),
      name: element("a", { href: `#${job.id}` }),
      tag: element("span", { className: "tag" }),
      facts: element("span", { className: "below" }),
      bar: element("progress", { max: 1, hidden: true }),
      error: element("p", { className: "reason" }),
      note: element("p", { className: "noted" }),
      warnings: element("ul", { className: "warnings" }),
      accept: button("Accept", job, (now) => judge(now, "accepted")),
      reject: button("Reject", job, (now) => judge(now, "rejected")),
      again: button("Retry", job, retry),
    };
    for (const place of [parts.painting, parts.result]) {
      place.ariaHidden = "true"; // the job's name leads to the same place, and says where
      thumbnails.watch(place);
    }
    const heading = element("th", { className: "job", scope: "row" }, parts.name, " ", parts.tag, parts.facts, parts.bar, parts.error, parts.note, parts.warnings);
    heading.setAttribute("role", "rowheader");
    const row = element(
      "tr",
      {},
      cell("pictured", parts.painting),
      cell("pictured", parts.result),
      heading,
      cell("decide", parts.accept, parts.reject, parts.again),
    );
    row.setAttribute("role", "row");
    rows.set(job.id, { row, ...parts });
    return rows.get(job.id);
  }

  function fill(job) {
    const made = rows.get(job.id) ?? makeRow(job);
    set(made.name, job.name);
    picture(made.painting, job, "painting");
    picture(made.result, job, "result");
    set(made.error, job.state === "failed" ? sentence(job.error ?? "No reason is known") : "");
    set(made.note, job.note ? `“${job.note}”` : "");
    if (made.told !== job.warnings.join("\n")) {
      made.told = job.warnings.join("\n");
      made.warnings.replaceChildren(...job.warnings.map((text) => element("li", { textContent: sentence(text) })));
    }
    for (const [control, text] of [[made.accept, "Accept"], [made.reject, "Reject"], [made.again, "Retry"]]) control.ariaLabel = `${text} ${job.name}`;
    made.accept.hidden = !isPicture(job);
    made.reject.hidden = job.state !== "done";
    made.accept.ariaPressed = String(job.verdict === "accepted");
    made.reject.ariaPressed = String(job.verdict === "rejected");
    stand(job);
  }

  // What also depends on who works, and on the time.
  function stand(job) {
    const made = rows.get(job.id);
    const now = standing(job);
    set(made.tag, WORDS[now]);
    made.tag.className = `tag ${now}`;
    set(made.facts, facts(job));
    const share = now === "running" ? state.shares[job.id]?.[0] : undefined;
    made.bar.hidden = share === undefined;
    made.bar.ariaLabel = `Share of ${job.name} that is done`;
    if (share !== undefined) made.bar.value = share;
    made.again.hidden = job.state !== "failed" && now !== "rejected";
    made.again.disabled = state.working || state.busy !== null;
  }

  // Filters -------------------------------------------------------------------------------------------

  const FILTERS = {
    all: () => true,
    running: (job) => standing(job) === "running",
    waiting: (job) => standing(job) === "waiting",
    failed: (job) => job.state === "failed",
    warned: (job) => job.state === "done" && job.warnings.length > 0,
    undecided: (job) => isPicture(job) && !job.verdict,
    accepted: (job) => standing(job) === "accepted",
    rejected: (job) => standing(job) === "rejected",
  };
  const filter = () => $("#filter :checked").value;
  let listed = []; // ids of the jobs that are shown

  function sift() {
    const [fits, text] = [FILTERS[filter()], $("#search").value.trim().toLowerCase()];
    listed = order.filter((id) => fits(jobs.get(id)) && jobs.get(id).name.toLowerCase().includes(text));
    const kept = new Set(listed);
    for (const id of order) {
      const { row } = rows.get(id);
      if (row.hidden === kept.has(id)) row.hidden = !kept.has(id);
    }
    for (const input of $$("#filter input")) {
      const count = order.filter((id) => FILTERS[input.value](jobs.get(id))).length;
      set($("b", input.parentElement), String(count));
      input.parentElement.classList.toggle("none", !count && !input.checked);
    }
    const all = listed.length === order.length;
    set($("#shown"), all ? "" : listed.length ? `${plural(listed.length, "job")} of ${order.length}` : "No job fits.");
  }
  $("#filter").addEventListener("change", sift);
  $("#search").addEventListener("input", sift);

  // What can be done ------------------------------------------------------------------------------------

  // A second click on a verdict takes it back.
  function judge(job, verdict, note = job.note) {
    const given = job.verdict === verdict ? "" : verdict;
    return start("judge", { jobs: [job.id], verdict: given, note: given ? note : "" });
  }

  async function start(path, values) {
    fault(null);
    try {
      const { report } = await post(asked(path), values);
      if (report) fault(new Error(sentence(report)));
    } catch (error) {
      fault(error);
      return false;
    }
    return true;
  }
  const retry = (job) => start("retry", { jobs: [job.id] });
  $("#retry").addEventListener("click", () => start("retry", { jobs: [] }));
  $("#resume").addEventListener("click", () => start("resume"));
  $("#stop").addEventListener("click", () => start("stop"));

  const PHASES = { starting: "Starting", working: "Working", reporting: "Writing the report", finished: "Finished", stopped: "Stopped", failed: "Not finished" };

  function showWork() {
    const count = (name) => order.filter((id) => jobs.get(id).state === name).length;
    const [done, failed, left] = [count("done"), count("failed"), count("waiting") + count("running")];
    const ended = left ? "Not finished" : "Finished";
    const phase = state.here ? (state.stopping ? "Stopping" : PHASES[state.phase]) : state.working ? "Working" : ended;
    set($("#phase"), phase);
    const parts = [`${done} of ${plural(order.length, "job")} done`];
    if (failed) parts.push(`${failed} failed`);
    const passed = Date.now() / 1000 - state.at;
    if (state.remaining !== null) parts.push(`about ${roughly(Math.max(0, state.remaining - passed))} left`);
    if (state.who) parts.push(`${state.who} works on it; stop it where it was started, with Ctrl-C`);
    if (state.busy) parts.push(`the studio works on ${state.busy} first`);
    set($("#detail"), parts.join(", "));
    $("#bar").value = order.length ? (done + failed) / order.length : 0;
    $("#stop").hidden = !state.here;
    $("#stop").disabled = state.stopping;
    const free = !state.working;
    $("#resume").hidden = !free || !left;
    $("#retry").hidden = !free || !state.retried;
    $("#resume").disabled = $("#retry").disabled = state.busy !== null;
    set($("#resume"), `Continue with ${plural(left, "job")}`);
    set($("#retry"), `Retry ${state.retried} failed or rejected`);
  }

  // Heard from the studio -------------------------------------------------------------------------------

  let message = ""; // what the process said last
  function hear(news) {
    lost(null);
    if (news.fault) {
      stream.close();
      return lost(new Error(sentence(news.fault)));
    }
    const before = state;
    state = news.state;
    for (const job of news.rows) jobs.set(job.id, job);
    for (const job of news.rows) fill(job);
    if (news.order) {
      const kept = new Set(news.order);
      for (const id of jobs.keys()) {
        if (kept.has(id)) continue;
        rows.get(id).row.remove();
        jobs.delete(id);
        rows.delete(id);
      }
      order = news.order;
      $("#rows").append(...order.map((id) => rows.get(id).row));
    }
    if (before?.working !== state.working || before?.busy !== state.busy) order.forEach((id) => stand(jobs.get(id)));
    if (state.message !== message) fault(state.message ? new Error(sentence(state.message)) : null);
    message = state.message;
    sift();
    tick();
    if (news.order) open();
    else if (shown && news.rows.some(({ id }) => id === shown)) describe();
    else if (shown) controls();
  }

  // Times go on between two reports.
  function tick() {
    if (!state) return;
    showWork();
    for (const id of order) if (jobs.get(id).state === "running") stand(jobs.get(id));
  }
  setInterval(tick, 1000);

  // One picture -----------------------------------------------------------------------------------------

  const named = () => location.hash.slice(1);
  const layers = (role) => $(`#panes [data-role=${role}]`);
  const sources = new Map(); // role -> address of the picture that is shown or on its way

  function open() {
    const before = shown;
    shown = jobs.has(named()) ? named() : "";
    $("#table").hidden = $("#more").hidden = $("#work").hidden = Boolean(shown);
    $("#picture").hidden = !shown;
    if (before === shown) return;
    document.title = `sinct studio: ${shown ? jobs.get(shown).name : $("#title").textContent}`;
    sources.clear();
    $("#viewer").hidden = true;
    $("#sheet").hidden = true;
    set($("#told"), "");
    fault(null);
    if (shown) {
      $("#note").value = jobs.get(shown).note;
      describe();
      scrollTo(0, 0);
      $("#picture-title").focus({ preventScroll: true });
    } else {
      const { row, name } = rows.get(before);
      row.scrollIntoView({ block: "center" });
      name.focus({ preventScroll: true });
    }
  }

  function describe() {
    const job = jobs.get(shown);
    set($("#picture-title"), job.name);
    set($("#picture-fault"), job.state === "failed" ? sentence(job.error ?? "No reason is known") : "");
    $("#picture-warnings").replaceChildren(...job.warnings.map((text) => element("li", { textContent: sentence(text) })));
    controls();
    show(job);
    more(job);
  }

  // The verdict, and where one is in the list.
  function controls() {
    const job = jobs.get(shown);
    const now = standing(job);
    set($("#picture-state"), WORDS[now]);
    $("#picture-state").className = `tag ${now}`;
    const names = ["painting", "photo", "result"].map((role) => job[role] && !(role === "result" && job.live) && `${role} ${job[role].name}`);
    const others = job.photos > 1 ? `and ${plural(job.photos - 1, "more photo")}` : "";
    set($("#picture-facts"), [facts(job), ...names, others].filter(Boolean).join(" · "));
    for (const control of $$("#judge button[value]")) {
      control.hidden = control.value === "accepted" ? !isPicture(job) : job.state !== "done";
      control.ariaPressed = String(job.verdict === control.value);
    }
    $("#judge .note").hidden = job.state !== "done";
    $("#keep").hidden = !job.verdict;
    $("#again").hidden = !["done", "failed"].includes(job.state);
    $("#again").disabled = state.working || state.busy !== null;
    const place = listed.indexOf(shown);
    $("#previous").disabled = place <= 0;
    $("#next").disabled = place === -1 || place === listed.length - 1;
    set($("#place"), place === -1 ? "" : `${place + 1} of ${listed.length}`);
  }

  for (const [selector, step] of [["#previous", -1], ["#next", 1]]) {
    $(selector).addEventListener("click", () => {
      location.hash = listed[listed.indexOf(shown) + step];
    });
  }
  for (const control of $$("#judge button[value]")) {
    control.addEventListener("click", async () => {
      const job = jobs.get(shown);
      const back = job.verdict === control.value;
      if (await judge(job, control.value, $("#note").value)) set($("#told"), back ? "The verdict is taken back." : `Kept: ${control.value}.`);
    });
  }
  $("#judge").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { id, verdict } = jobs.get(shown);
    if (!verdict) return set($("#told"), "The note is kept with a verdict: accept or reject the picture.");
    if (await start("judge", { jobs: [id], verdict, note: $("#note").value })) set($("#told"), "The note is kept.");
  });
  $("#again").addEventListener("click", () => retry(jobs.get(shown)));

  // Fetch the pictures that the viewer shows, or the preview of a training.
  function show(job) {
    const plain = job.state === "done" && !job.live && !job.deep && job.result?.version !== undefined;
    const roles = plain ? ["painting", "result", "photo"] : job.live && job.result?.version !== undefined ? ["result"] : [];
    const missing = roles.length ? "" : job.state === "done" && !job.deep && job.result ? `The result is ${job.result.missing}.` : "";
    set($("#waits"), missing);
    $("#waits").hidden = !missing;
    $("#photo-chip").hidden = job.photo?.version === undefined;
    if (!plain) $("#viewer").hidden = true;
    if (roles.length !== 1) $("#sheet").hidden = true;
    for (const role of roles) {
      if (job[role]?.version === undefined) continue;
      const source = asked("picture", { job: job.id, role, size: "large", v: job[role].version });
      if (sources.get(role) === source) continue;
      if (!sources.has(role)) {
        set($("#waits"), "The pictures are being read …");
        $("#waits").hidden = false;
      }
      sources.set(role, source);
      const made = new Image();
      made.src = source;
      made.decode().then(
        () => sources.get(role) === source && place(role, made, plain),
        () => {
          if (sources.get(role) !== source) return;
          sources.delete(role);
          set($("#waits"), `The ${role} cannot be shown: its file cannot be read.`);
          $("#waits").hidden = false;
        },
      );
    }
  }

  // Painting and result have the painting's size on the page.
  function place(role, made, plain) {
    if (!plain) {
      Object.assign($("#sheet"), { src: made.src, hidden: false });
      $("#waits").hidden = true;
      return;
    }
    const { naturalWidth: width, naturalHeight: height } = made;
    const layer = layers(role);
    layer.src = made.src;
    layer.dataset.for = shown;
    if (role === "painting") {
      for (const each of [layer, layers("result")]) Object.assign(each, { width, height });
      for (const frame of $$("#viewer .frame")) frame.style.aspectRatio = `${width} / ${height}`;
    } else if (role === "photo") {
      Object.assign(layer, { width, height });
    }
    if (["painting", "result"].every((each) => layers(each).dataset.for === shown)) {
      $("#waits").hidden = true;
      $("#viewer").hidden = false;
    }
    $("#viewer").dispatchEvent(new Event("pictures"));
  }

  // How a huge result is seen at full size.
  async function more(job) {
    $("#deep").hidden = $("#large").hidden = true;
    if (!job.deep && !job.large) return;
    let found;
    try {
      found = await ask(asked("job", { job: job.id }));
    } catch (error) {
      return fault(error);
    }
    if (shown !== job.id) return;
    $("#deep").hidden = !found.zoom && !found.fault;
    $("#deep .zoomed").href = `/zoom?${new URLSearchParams({ of: batch, job: job.id })}`;
    $("#deep .zoomed").hidden = !found.zoom;
    set($("#deep span"), found.fault ? sentence(found.fault) : "It is a Deep Zoom, which has a viewer of its own.");
    $("#large").hidden = !found.command;
    set($("#pixels"), `${job.width} × ${job.height} px`);
    set($("#command"), found.command);
  }

  // Lists -----------------------------------------------------------------------------------------------

  function toExport() {
    $("#list").href = asked("export", { kind: $("#kind").value, only: $("#only").value });
  }
  $("#export").addEventListener("change", toExport);
  $("#export").addEventListener("submit", (event) => event.preventDefault());
  toExport();

  // The start -------------------------------------------------------------------------------------------

  $("#back").addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", home);
    open();
  });
  addEventListener("popstate", () => state && open());
  const stream = new EventSource(asked("events")); // the browser connects again by itself
  stream.addEventListener("message", (event) => hear(JSON.parse(event.data)));
  stream.addEventListener("error", async () => {
    lost((await whyClosed(stream, asked("export"))) ?? new Error("The studio does not answer. A batch goes on; open the studio again to see it."));
  });
}
