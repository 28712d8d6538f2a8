// Deep Zooms of painting and result: both show the same place at the same magnification.
{
  const MOST = 16; // screen pixels per picture pixel
  const STEP = 1.5;
  const MOVE = 0.15; // share of the frame that an arrow key moves
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // OpenSeadragon adds a style of its own, which the page's policy refuses, unless it finds an element of this name.
  const found = document.createElementNS("sinct", "style"); // no HTML, so that it styles nothing
  found.setAttribute("data-openseadragon-mobile-css", "");
  document.head.append(found);

  function open(stage) {
    const told = JSON.parse(stage.dataset.part);
    const viewer = OpenSeadragon({
      element: stage,
      drawer: "canvas", // which needs neither WebGL nor workers
      showNavigationControl: false,
      tileSources: new OpenSeadragon.DziTileSource({
        width: told.width,
        height: told.height,
        tileSize: told.size,
        tileOverlap: told.overlap,
        tilesUrl: told.tiles,
        fileFormat: told.kind,
        queryParams: told.query,
      }),
      maxZoomPixelRatio: MOST,
      minZoomImageRatio: 1,
      visibilityRatio: 1,
      constrainDuringPan: true,
      animationTime: still ? 0 : 0.4,
      immediateRender: true,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    });
    // Keys are this page's, the same as in its other viewers.
    viewer.innerTracker.keyDownHandler = viewer.innerTracker.keyHandler = null;
    Object.assign(viewer.canvas, { ariaLabel: `${stage.dataset.label}. Arrow keys move, plus and minus zoom, 0 fits, 1 shows pixels one to one.` });
    viewer.canvas.setAttribute("role", "application");
    viewer.canvas.addEventListener("keydown", press);
    viewer.addHandler("open-failed", () => broken(stage));
    viewer.addHandler("tile-load-failed", () => broken(stage));
    return viewer;
  }

  const broken = (stage) => {
    $("#fault").textContent = `Parts of the ${stage.dataset.label.toLowerCase()} cannot be shown: tiles are missing or the studio does not answer.`;
  };

  const viewers = $$(".stage").map(open);
  const [first] = viewers;

  // What the viewer in use shows, the other ones show as well. Shares of the picture, whatever its size.
  let leading = first;
  function follow(from) {
    if (from !== leading) return; // it has only followed
    for (const other of viewers) {
      if (other === from || !other.isOpen()) continue;
      other.viewport.zoomTo(from.viewport.getZoom(true), null, true);
      other.viewport.panTo(from.viewport.getCenter(true), true);
    }
    tell();
  }
  for (const viewer of viewers) {
    for (const use of ["pointerdown", "wheel"]) viewer.element.addEventListener(use, () => (leading = viewer), { capture: true, passive: true });
    viewer.addHandler("viewport-change", () => follow(viewer));
    viewer.addHandler("open", tell);
    viewer.addHandler("resize", tell);
  }

  // Screen pixels per picture pixel.
  const scale = (zoom) => leading.viewport.viewportToImageZoom(zoom) * devicePixelRatio;
  function tell() {
    if (!leading.isOpen()) return;
    const zoom = leading.viewport.getZoom(true);
    const share = 100 * scale(zoom);
    const text = `${share < 1 ? share.toPrecision(1) : Math.round(share)} %`;
    const fits = zoom <= leading.viewport.getHomeZoom() * 1.001;
    $("#zoom").value = fits ? `Fit, ${text}` : text;
  }

  const move = (x, y) => {
    const { width, height } = leading.viewport.getBounds();
    leading.viewport.panBy(new OpenSeadragon.Point(x * MOVE * width, y * MOVE * height), still);
    leading.viewport.applyConstraints(still);
  };
  const zoomBy = (factor) => {
    leading.viewport.zoomBy(factor, null, still);
    leading.viewport.applyConstraints(still);
  };
  const commands = {
    in: () => zoomBy(STEP),
    out: () => zoomBy(1 / STEP),
    fit: () => leading.viewport.goHome(still),
    one: () => {
      leading.viewport.zoomTo(leading.viewport.imageToViewportZoom(1 / devicePixelRatio), null, still);
      leading.viewport.applyConstraints(still);
    },
  };
  const keys = {
    "+": commands.in,
    "=": commands.in,
    "-": commands.out,
    0: commands.fit,
    1: commands.one,
    ArrowLeft: () => move(-1, 0),
    ArrowRight: () => move(1, 0),
    ArrowUp: () => move(0, -1),
    ArrowDown: () => move(0, 1),
  };
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }
  $$("[data-zoom]").forEach((button) => button.addEventListener("click", commands[button.dataset.zoom]));

  $("#full").hidden = !document.fullscreenEnabled;
  $("#full").addEventListener("click", () =>
    document.fullscreenElement ? document.exitFullscreen() : $("#content").requestFullscreen(),
  );
}
