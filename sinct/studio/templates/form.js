// The form for a new picture: painting, photos, how long, and more choices.

const wells = { painting: $("#painting"), photo: $("#photo") };
const chosen = { painting: null, photo: null };
let further = []; // names of more photos, which are one target with the first
let copying = 0; // files that are on their way
let overview = null;

const fault = (error) => ($("#fault").textContent = error ? error.message : "");
const photos = () => [chosen.photo, ...further].filter(Boolean);

function choose(kind, name) {
  chosen[kind] = name;
  if (kind === "photo") further = further.filter((other) => other !== name);
  const well = wells[kind];
  $(".chosen", well).hidden = !name;
  $(".choose", well).hidden = Boolean(name);
  $(".name", well).textContent = name ?? "";
  if (name) {
    const picture = $(".chosen img", well);
    picture.src = `/api/pictures/${part(name)}`;
    picture.alt = `The ${kind}, ${name}`;
    picture.onerror = () => ask(`/api/pictures/${part(name)}`).catch(fault); // which says why it cannot be read
  }
  listFurther();
}

// A photo goes to its place, or to the further ones if that is taken.
function addPhoto(name) {
  if (!chosen.photo) return choose("photo", name);
  if (!photos().includes(name)) further.push(name);
  $("#more").open = true;
  listFurther();
}

function listFurther() {
  const entries = further.map((name) => {
    const remove = element("button", { type: "button", textContent: "Remove", ariaLabel: `Remove ${name}` });
    remove.addEventListener("click", () => {
      further = further.filter((other) => other !== name);
      listFurther();
      $("#further-file").focus();
    });
    const picture = element("img", { src: `/api/pictures/${part(name)}`, alt: "" });
    return element("li", {}, picture, element("span", { className: "name", textContent: name }), remove);
  });
  $("#further").replaceChildren(...entries);
  $("#further").hidden = !entries.length;
  const each = $("#vary [value=photos]");
  each.disabled = photos().length < 2;
  if (each.disabled && each.selected) $("#vary").value = "1";
  ready();
}

function ready() {
  const busy = overview?.working;
  const told = several.on() ? several.tell() : tellOne();
  set($("#start-hint"), told ?? (busy ? `${busy} is being worked on; one thing is done at a time.` : ""));
  tellVariations();
}

// What one picture still needs, in words; null if nothing but that the studio is free.
function tellOne() {
  const missing = Object.keys(chosen).filter((kind) => !chosen[kind]);
  $("#start").disabled = Boolean(missing.length || overview?.working || copying);
  $("#swap").disabled = missing.length === 2;
  set($("#start"), "Start");
  if (copying) return "The file is being copied …";
  return missing.length ? `Choose a ${missing.join(" and a ")} first.` : null;
}

// Take files into the folder, in their order, and their names to where they belong; say what was refused of them.
async function uploads(files, place) {
  const refused = [];
  fault(null);
  for (const file of files) {
    copying += 1;
    ready();
    try {
      place(await upload(file), file);
      await look();
    } catch (error) {
      refused.push(error.message);
    } finally {
      copying -= 1;
      ready();
    }
  }
  if (refused.length) fault(new Error(refused.join(" ")));
}

async function upload(file) {
  const most = Number(document.body.dataset.mostBytes);
  if (file.size > most) {
    throw new Error(`${file.name} is larger than the ${most / 1e9} GB that are taken. Copy it into the folder instead.`);
  }
  const { name } = await ask(`/api/pictures?name=${part(file.name)}`, { method: "POST", body: file });
  return name;
}

// Several files at once are photos; where there is no painting yet, one is the painting, the first unless their names
// say otherwise.
async function take(kind, files) {
  const all = [...files];
  if (several.on()) return kind === "photo" ? uploads(all, addPhoto) : several.take(all);
  if (kind !== "painting" && (all.length < 2 || chosen.painting)) return uploads(all, addPhoto);
  const isPhoto = (file) => /photo/i.test(file.name);
  const painting = all.find((file) => !isPhoto(file)) ?? all[0];
  const ordered = [painting, ...all.filter((file) => file !== painting)];
  return uploads(ordered, (name, file) => (file === painting ? choose("painting", name) : addPhoto(name)));
}

for (const [kind, well] of Object.entries(wells)) {
  const input = $("input", well);
  input.addEventListener("change", async () => {
    await take(kind, input.files);
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
$("#further-file").addEventListener("change", async (event) => {
  const files = [...event.target.files];
  event.target.value = "";
  await uploads(files, addPhoto);
});
$("#further-from").addEventListener("change", (event) => {
  if (event.target.value) addPhoto(event.target.value);
  event.target.value = "";
});

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
  const kind = over?.id ?? (chosen.painting ? "photo" : "painting");
  mark(null);
  if (event.dataTransfer.files.length) take(kind, event.dataTransfer.files);
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
    if (several.on()) return await several.start();
    const preset = $("#presets :checked").value;
    const asked = { painting: chosen.painting, photos: photos(), preset, choices: choices() };
    const { name } = await post("/api/runs", asked);
    open(name);
    $("#run-title").focus();
    scrollTo(0, 0);
    await look();
  } catch (error) {
    fault(error);
    look().catch(lost); // another page may have begun something
  }
  ready();
});

// More choices, as the library names them; what was not touched is left to the preset.
const UNTOUCHED = 0.5; // of `faithful`
const DEGREES = [0.25, 0.5, 1]; // of it, to choose from
const faithful = $("#faithful");
function choices() {
  const vary = $("#vary").value;
  return {
    seed: Number($("#seed").value) || 0,
    faithful: Number(faithful.value) === UNTOUCHED ? null : Number(faithful.value),
    seeds: Number(vary) || 1,
    each_photo: vary === "photos",
    each_faithful: vary === "faithful" ? DEGREES : [],
  };
}
faithful.addEventListener("input", () => ($("#faithful-value").value = faithful.value));

// Say what variations cost: half of the training is theirs, the other half goes to the one that is chosen.
function tellVariations() {
  const preset = overview?.presets.find(({ name }) => name === $("#presets :checked")?.value);
  const value = $("#vary").value;
  const count = { photos: photos().length, faithful: DEGREES.length }[value] ?? Number(value);
  faithful.disabled = value === "faithful"; // each candidate has its own
  const hint = "Results differ with the seed, the photo, and how much of the strokes goes.";
  if (!preset || count < 2) return set($("#vary-hint"), hint);
  if (!preset.steps) return set($("#vary-hint"), "Without training, variations are all the same. Choose another length.");
  const each = Math.floor(preset.steps / (2 * count));
  const whole = preset.steps - (count - 1) * each;
  const takes = (steps) => (preset.seconds === null ? "" : `, about ${roughly((steps * preset.seconds) / preset.steps)}`);
  const text =
    `${count} candidates, ${plural(each, "step")} each${takes(count * each)}. ` +
    `The one you choose goes on to step ${whole}${takes(whole - each)}.`;
  set($("#vary-hint"), text);
}
$("#vary").addEventListener("change", tellVariations);
$("#presets").addEventListener("change", tellVariations);

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

let picturesListed = "";
function listPictures(names, unlisted) {
  const facts = JSON.stringify([names, unlisted]);
  if (facts === picturesListed) return; // a list that is open would close
  picturesListed = facts;
  several.fill(names, unlisted);
  for (const place of $$(".from")) {
    const first = element("option", { value: "", textContent: "Choose …" });
    $("select", place).replaceChildren(first, ...names.map((name) => element("option", { value: name, textContent: name })));
    place.hidden = !names.length;
  }
}
