// Several paintings at once: each becomes a picture of its own, and together they are a batch.

const several = (() => {
  const list = $("#paintings");
  const rows = new Map(); // name of a painting -> { item, tick, own, note }
  const ticked = new Set(); // names
  const { compare } = new Intl.Collator("en", { numeric: true });
  let names = []; // of the pictures in the folder, by name, which is the order of the batch too

  const on = () => $("#mode :checked").value === "several";

  function show() {
    const many = on();
    for (const place of ["#painting", "#swap", "#vary-tools"]) $(place).hidden = many;
    for (const place of ["#several", "#for-all"]) $(place).hidden = !many;
    if (many && chosen.painting) ticked.add(chosen.painting);
    ready();
  }

  function row(name) {
    const tick = element("input", { type: "checkbox", value: name });
    const picture = element("span", { className: "thumbnail", ariaHidden: "true" });
    const note = element("span", { className: "quiet" });
    const own = element("input", { type: "text", placeholder: "as for all", autocomplete: "off", ariaLabel: `Photo for ${name}` });
    own.setAttribute("list", "photo-names");
    picture.dataset.source = `/api/pictures/${part(name)}`;
    thumbnails.watch(picture);
    const label = element("label", {}, tick, picture, element("span", { className: "name", textContent: name }), note);
    return { item: element("li", {}, label, element("label", { className: "own" }, "Photo ", own)), tick, own, note };
  }

  // Take up the pictures of the folder; what is ticked stays so.
  function fill(found, unlisted) {
    names = found.toSorted(compare);
    for (const name of rows.keys()) {
      if (names.includes(name)) continue;
      rows.delete(name);
      ticked.delete(name);
    }
    for (const name of names) if (!rows.has(name)) rows.set(name, row(name));
    const focused = document.activeElement;
    list.replaceChildren(...names.map((name) => rows.get(name).item));
    if (list.contains(focused)) focused.focus();
    $("#photo-names").replaceChildren(...names.map((name) => element("option", { value: name })));
    $("#ticks").hidden = list.hidden = !names.length;
    $("#unlisted").hidden = !unlisted;
    set($("#unlisted"), `The newest ${names.length.toLocaleString("en")} pictures are listed, ${unlisted.toLocaleString("en")} are not. In a terminal, \`sinct batch\` takes any number.`);
  }

  // The pictures to make: a painting without a photo of its own gets those for all.
  function pictures() {
    return names
      .filter((name) => ticked.has(name))
      .map((painting) => {
        const own = rows.get(painting).own.value.trim();
        return { painting, photos: own ? [own] : photos() };
      });
  }

  function tell() {
    const targets = photos();
    for (const [name, { tick, own, note }] of rows) {
      tick.disabled = targets.includes(name);
      if (tick.disabled) ticked.delete(name);
      set(note, tick.disabled ? "the photo for all" : "");
      tick.checked = ticked.has(name);
      own.parentElement.hidden = !tick.checked;
    }
    const made = pictures();
    const lacking = made.some(({ photos: each }) => !each.length);
    const preset = overview?.presets.find(({ name }) => name === $("#presets :checked")?.value);
    const takes = preset?.seconds ? `, about ${roughly(preset.seconds)} for each` : "";
    set($("#ticked"), `${made.length} of ${plural(names.length, "picture")} ticked`);
    $("#start").disabled = Boolean(!made.length || lacking || overview?.working || copying);
    set($("#start"), made.length ? `Start a batch of ${made.length}` : "Start a batch");
    if (copying) return "The files are being copied …";
    if (!made.length) return "Tick one painting or more.";
    if (lacking) return "Choose a photo for all, or one for each painting.";
    return overview?.working ? null : `${plural(made.length, "picture")}${takes}.`;
  }

  const take = (files) => uploads(files, (name) => ticked.add(name));

  async function start() {
    const preset = $("#presets :checked").value;
    const asked = { pictures: pictures(), preset, choices: { ...choices(), seeds: 1, each_photo: false, each_faithful: [] } };
    const { name } = await post("/api/batches", asked);
    location.assign(`/batch?of=${part(name)}`);
  }

  $("#mode").addEventListener("change", show);
  list.addEventListener("input", ({ target }) => {
    if (target.type === "checkbox") ticked[target.checked ? "add" : "delete"](target.value);
    ready();
  });
  $("#tick-all").addEventListener("click", () => {
    for (const name of names) ticked.add(name);
    ready();
  });
  $("#tick-none").addEventListener("click", () => {
    ticked.clear();
    ready();
  });
  const input = $("#several .drop input");
  input.addEventListener("change", async () => {
    await take([...input.files]);
    input.value = "";
  });

  return { on, show, fill, tell, take, start };
})();
