// Candidates: short trainings side by side, of which one goes on.

const candidates = (() => {
  const area = $("#candidates");
  const cards = $("#cards");
  let run = null; // name of the run whose candidates are listed
  let made = null; // number of the one that makes its picture
  let found = []; // as the studio describes them
  let picked = null; // number of the one that is looked at
  let touched = false; // whether the person picked it

  const one = (number) => found.find((each) => each.number === number) ?? null;

  // Take up what is new of a run; the one that makes its picture, or the best, is picked until the person picks.
  function show(now) {
    area.hidden = !now.variations;
    const chosen = now.job?.chosen ?? null;
    if (run !== now.name || made !== chosen) {
      [run, made, touched] = [now.name, chosen, false];
      area.open = made === null;
    }
    found = now.variations?.candidates ?? [];
    if (!touched || !one(picked)) picked = made ?? found.find(({ best }) => best)?.number ?? null;
    if (!found.length) return cards.replaceChildren();
    if (cards.children.length !== found.length || cards.dataset.run !== run) build();
    for (const each of found) fill(each, now);
    list($("#notes"), now.variations.warnings);
    list($("#flaws"), one(picked)?.warnings ?? []); // of which its card shows the beginning
    tell(now);
  }

  function list(place, texts) {
    const told = texts.map(sentence);
    if (place.dataset.told === told.join("\n")) return;
    place.dataset.told = told.join("\n");
    place.replaceChildren(...told.map((text) => element("li", { textContent: text })));
  }

  function build() {
    cards.dataset.run = run;
    const built = found.map((each) =>
      element(
        "label",
        { className: "card" },
        element("input", { type: "radio", name: "candidate", value: each.number }),
        element("img", { alt: "", hidden: true }),
        element("span", { className: "blank", textContent: "no picture yet" }),
        element("span", { className: "title", textContent: `${each.number}: ${each.label}` }),
        element("span", { className: "about" }),
        element("span", { className: "flaws" }),
      ),
    );
    cards.replaceChildren(...built);
  }

  function fill(each, { state }) {
    const card = cards.children[each.number - 1];
    const input = $("input", card);
    const trained = each.score !== null;
    input.disabled = !trained;
    input.checked = trained && each.number === picked;
    const picture = $("img", card);
    const source = each.picture === null ? "" : address(run, `/candidates/${each.number}?v=${each.picture}`);
    if (source && picture.getAttribute("src") !== source) picture.src = source;
    picture.hidden = !source;
    $(".blank", card).hidden = Boolean(source);
    set($(".about", card), trained ? told(each) : waits(each, state));
    set($(".flaws", card), each.warnings.map(sentence).join(" "));
  }

  function told(each) {
    const words = [plural(each.steps, "step"), `score ${each.score.toFixed(3)}`];
    if (each.best) words.push("the best by score");
    if (each.number === made) words.push("chosen");
    else if (each.continued !== null) words.push(`continued to step ${each.continued}`);
    return words.join(", ");
  }

  function waits(each, { phase, candidate, step }) {
    if (phase !== "training" || candidate !== each.number) return "waiting";
    return `training, step ${step}${each.planned === null ? "" : ` of ${each.planned}`}`;
  }

  // What can be done with the one that is picked.
  function tell(now) {
    const each = one(picked);
    const button = $("#go");
    button.hidden = each === null || picked === made || each.score === null;
    if (button.hidden) return set($("#go-hint"), "");
    const fixed = each.fixed && !each.finished;
    button.disabled = Boolean(now.working) || fixed;
    set(button, each.finished ? `Show the picture of candidate ${picked}` : `Go on with candidate ${picked}`);
    set($("#go-hint"), fixed ? "Its checkpoint was removed, so it cannot be continued." : ahead(each, now));
  }

  function ahead(each, { working, pace }) {
    if (working === run) return "The others are being trained; wait for them, or stop.";
    if (working) return `${working} is being worked on; one thing is done at a time.`;
    if (each.finished || !each.whole) return "";
    const left = each.whole - (each.continued ?? each.steps);
    const takes = pace && left > 0 ? `, about ${roughly(left * pace)}` : "";
    return `It trains to step ${each.whole}${takes}. The others stay as they are.`;
  }

  cards.addEventListener("change", (event) => {
    [picked, touched] = [Number(event.target.value), true];
    hear(now);
  });
  $("#choice").addEventListener("submit", async (event) => {
    event.preventDefault();
    runFault(null);
    $("#go").disabled = true;
    try {
      await post(address(run, "/choose"), { number: picked });
      $("#run-title").focus();
      await look();
    } catch (error) {
      runFault(error);
      $("#go").disabled = false;
    }
  });

  // The one that the viewer shows in place of the run's own result.
  function looked() {
    const each = one(picked);
    return each === null || each.picture === null || picked === made ? null : each;
  }

  return { show, looked };
})();
