// Strength, what is kept, and the download: the page shows the same mixture that `apply` computes.

const strength = $("#strength");
strength.addEventListener("input", () => {
  $("#strength-value").value = `${strength.value} %`;
  $("#viewer").style.setProperty("--strength", strength.value / 100);
});

// Parts of the painting that stay.
const kept = () => $$("#keep :checked").map(({ value }) => value);
$("#keep").addEventListener("change", () => showViews(now));

$("#make").addEventListener("click", async () => {
  runFault(null);
  $("#make").disabled = true;
  try {
    await brush.saved();
    const wish = {
      suffix: $("#suffix").value,
      strength: strength.value / 100,
      masked: brush.painted(),
      keep: kept(),
    };
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
