// Rows: the viewer shows the pictures of one row of the grid. Its frames take the shape of the row's first picture.
{
  const rows = $$("#grid tbody tr");
  const layers = $$("#panes .layer");
  function look(row) {
    const pictures = $$("img", row);
    layers.forEach((layer, column) => {
      const { src, alt } = pictures[column];
      Object.assign(layer, { src, alt });
      layer.setAttribute("width", pictures[column].getAttribute("width"));
      layer.setAttribute("height", pictures[column].getAttribute("height"));
    });
    const shape = ["width", "height"].map((side) => pictures[0].getAttribute(side)).join(" / ");
    for (const frame of $$("#viewer .frame")) frame.style.aspectRatio = shape;
    for (const each of rows) each.ariaCurrent = each === row ? "true" : null;
    $("#row-title").textContent = row.dataset.name;
    $("#viewer").dispatchEvent(new Event("pictures"));
  }
  for (const row of rows) {
    $(".look", row).addEventListener("click", () => {
      look(row);
      $("#viewer").scrollIntoView();
      $("#row-title").focus({ preventScroll: true });
    });
  }
  look(rows[0]);
}
