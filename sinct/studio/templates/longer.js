// Training longer: steps and time say the same, at the pace of the run.

const more = { steps: $("#more-steps"), minutes: $("#more-minutes") };

function tellLonger() {
  const pace = now?.pace;
  const steps = Number(more.steps.value);
  more.minutes.parentElement.hidden = !pace;
  if (pace && document.activeElement !== more.minutes) {
    const minutes = (steps * pace) / 60;
    more.minutes.value = Math.max(0.1, Number(minutes.toFixed(minutes < 10 ? 1 : 0)));
  }
  const takes = pace ? `, about ${roughly(steps * pace)}` : "";
  set($("#longer-hint"), steps >= 1 && now ? `To step ${(now.state.step + steps).toLocaleString("en")}${takes}.` : "");
  $("#lengthen").disabled = Boolean(now?.working) || !(steps >= 1);
}

more.steps.addEventListener("input", tellLonger);
more.minutes.addEventListener("input", () => {
  more.steps.value = Math.max(1, Math.round((60 * more.minutes.value) / now.pace));
  tellLonger();
});
$("#longer-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  runFault(null);
  $("#lengthen").disabled = true;
  try {
    await post(address(shown, "/longer"), { steps: Number(more.steps.value) });
    $("#longer").open = false;
    $("#run-title").focus();
    await look();
  } catch (error) {
    runFault(error);
    tellLonger();
  }
});
