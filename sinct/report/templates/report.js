// Plot: one was drawn for every two measures.
{
  const [across, up] = [$("#axis-x"), $("#axis-y")];
  const draw = (changed, other) => {
    if (changed.value === other.value) {
      other.selectedIndex = (other.selectedIndex + 1) % other.length; // a measure against itself says nothing
    }
    const template = $$("template").find(({ dataset }) => dataset.x === across.value && dataset.y === up.value);
    $("#plot").replaceChildren(template.content.cloneNode(true));
  };
  across?.addEventListener("change", () => draw(across, up));
  up?.addEventListener("change", () => draw(up, across));
}
