// Cards of the runs so far, made anew only where there are others, so that the focus stays where it is.

let listed = "";
function listRuns(runs) {
  const facts = JSON.stringify(runs.map(({ name, output, painting, photos }) => [name, output, painting, photos]));
  if (facts !== listed) $("#runs").replaceChildren(...runs.map(card));
  listed = facts;
  for (const run of runs) fillCard(run, run.name === overview.working);
  $("#earlier").hidden = !runs.length;
  markRun();
}

function card(run) {
  const link = element(
    "a",
    { href: `#${part(run.name)}` },
    element("img", { alt: "", hidden: true }),
    element("span", { className: "blank", textContent: "no picture yet" }),
    element("span", { className: "title", textContent: run.output || run.name }),
    element("span", { className: "works", textContent: "in the making", hidden: true }),
    element("span", { className: "below", textContent: `${run.painting || "?"}, ${run.photos.join(", ") || "?"}` }),
  );
  link.dataset.run = run.name;
  return element("li", {}, link);
}

// The newest picture of a run, which changes while it is worked on.
function fillCard({ name, shown: source }, works) {
  const link = $$("#runs a").find((each) => each.dataset.run === name);
  if (!link) return;
  const picture = $("img", link);
  if (source && picture.getAttribute("src") !== source) picture.src = source;
  picture.hidden = !source;
  $(".blank", link).hidden = Boolean(source);
  $(".works", link).hidden = !works;
}

function markRun() {
  for (const link of $$("#runs a")) link.ariaCurrent = link.dataset.run === shown ? "page" : null;
}
