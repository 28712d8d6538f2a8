// Viewer: all pictures show the same place at the same magnification.
{
  const MOST = 16; // screen pixels per picture pixel
  const area = $("#panes");
  const panes = $$(".pane", area);
  const inPanes = (frame) => area.contains(frame);
  const frames = $$("#viewer .frame").sort((a, b) => inPanes(b) - inPanes(a)); // the buttons act on the first
  const [before, after] = $$(".slider .layer");
  const natural = (layer) => ({ width: +layer.getAttribute("width"), height: +layer.getAttribute("height") });
  let size = natural($(".layer", area)); // of the painting
  const view = { zoom: null, u: 0.5, v: 0.5 }; // screen pixels per picture pixel, null: fit; centre in [0, 1]
  area.tabIndex = 0;

  const pixel = () => 1 / devicePixelRatio; // CSS pixels per screen pixel
  const fit = (frame, { width, height } = size) =>
    Math.min(frame.clientWidth / width, frame.clientHeight / height);
  const scaleIn = (frame) => (view.zoom === null ? fit(frame) : view.zoom * pixel());
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const acting = () => frames.find((frame) => frame.clientWidth); // the slider's is always there

  // Keep the frame filled: the centre stays half a frame away from the picture's border.
  const centre = (value, extent, scale, length) => {
    const half = Math.min(0.5, extent / (2 * scale * length));
    return clamp(value, half, 1 - half);
  };

  function draw() {
    if (!acting() || !size.width) return; // the studio's viewer is hidden until there is a picture
    for (const frame of frames) {
      const [width, height] = [frame.clientWidth, frame.clientHeight];
      if (!width) continue;
      const common = scaleIn(frame);
      const u = centre(view.u, width, common, size.width);
      const v = centre(view.v, height, common, size.height);
      for (const layer of $$(".layer", frame)) {
        const own = natural(layer);
        const whole = fit(frame, own); // differs from the painting's for a photo of another size
        const scale = view.zoom === null ? whole : common;
        const grid = (x) => Math.round(x * devicePixelRatio) * pixel();
        const x = grid(width / 2 - u * own.width * scale);
        const y = grid(height / 2 - v * own.height * scale);
        layer.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
        layer.classList.toggle("pixels", scale * devicePixelRatio > 1);
      }
      frame.classList.toggle("movable", view.zoom !== null);
    }
    const percent = `${Math.round(100 * scaleIn(acting()) * devicePixelRatio)} %`;
    $("#zoom").value = view.zoom === null ? `Fit, ${percent}` : percent;
  }

  // Zoom about a point of a frame, given in CSS pixels from its centre.
  function zoomTo(frame, zoom, x = 0, y = 0) {
    const old = scaleIn(frame);
    view.u = centre(view.u, frame.clientWidth, old, size.width) + x / (old * size.width);
    view.v = centre(view.v, frame.clientHeight, old, size.height) + y / (old * size.height);
    const whole = fit(frame) * devicePixelRatio;
    const least = Math.min(1, whole); // small pictures get smaller than their frame, down to 1:1
    view.zoom = zoom > least * 1.001 || least === 1 ? clamp(zoom, least, Math.max(MOST, whole)) : null;
    const now = scaleIn(frame);
    move(frame, -x / now, -y / now);
  }

  // Move the centre by picture pixels.
  function move(frame, x, y) {
    const scale = scaleIn(frame);
    view.u = centre(view.u + x / size.width, frame.clientWidth, scale, size.width);
    view.v = centre(view.v + y / size.height, frame.clientHeight, scale, size.height);
    draw();
  }

  const zoomBy = (frame, factor, x, y) => zoomTo(frame, scaleIn(frame) * devicePixelRatio * factor, x, y);
  const fromCentre = (frame, event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  };

  const commands = {
    in: () => zoomBy(acting(), 1.5),
    out: () => zoomBy(acting(), 1 / 1.5),
    fit: () => {
      view.zoom = null;
      move(acting(), 0, 0);
    },
    one: () => zoomTo(acting(), 1),
  };
  const keys = { "+": "in", "=": "in", "-": "out", 0: "fit", 1: "one" };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const plain = (event) => !(event.ctrlKey || event.metaKey || event.altKey);

  $$("[data-zoom]").forEach((button) => button.addEventListener("click", commands[button.dataset.zoom]));
  for (const place of [area, $("#split")]) {
    place.addEventListener("keydown", (event) => {
      if (!plain(event) || !keys[event.key]) return;
      event.preventDefault();
      commands[keys[event.key]]();
    });
  }
  area.addEventListener("keydown", (event) => {
    if (!plain(event) || !arrows[event.key] || view.zoom === null) return;
    event.preventDefault();
    const step = (0.1 * acting().clientWidth) / scaleIn(acting());
    move(acting(), ...arrows[event.key].map((direction) => direction * step));
  });

  for (const frame of frames) {
    // The page must stay scrollable: only a viewer that was clicked takes the wheel for itself.
    frame.addEventListener(
      "wheel",
      (event) => {
        const active = $("#viewer").contains(document.activeElement);
        if (!active && !event.ctrlKey && !event.metaKey) return;
        // Nothing to zoom out of: the page may scroll.
        if (event.deltaY > 0 && view.zoom === null && fit(frame) * devicePixelRatio <= 1 && !event.ctrlKey) return;
        event.preventDefault();
        const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
        const speed = event.ctrlKey && Math.abs(event.deltaY) < 20 ? 0.01 : 0.002; // a pinch comes in small steps
        zoomBy(frame, Math.exp(-event.deltaY * lines * speed), ...fromCentre(frame, event));
      },
      { passive: false },
    );
    frame.addEventListener("dblclick", (event) => {
      if (view.zoom === null) zoomTo(frame, 1, ...fromCentre(frame, event));
      else commands.fit();
    });
    if (!frame.matches(".slider")) followPointers(frame);
  }

  // One pointer moves, two pinch.
  function followPointers(frame) {
    const pointers = new Map();
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pointers.set(event.pointerId, event);
      frame.setPointerCapture(event.pointerId);
      area.focus({ preventScroll: true });
      event.preventDefault();
    });
    frame.addEventListener("pointermove", (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      const other = [...pointers.values()].find((each) => each.pointerId !== event.pointerId);
      pointers.set(event.pointerId, event);
      if (other) {
        const apart = (each) => Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY);
        const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
        zoomBy(frame, apart(event) / Math.max(1, apart(last)), ...fromCentre(frame, middle));
      } else {
        const scale = scaleIn(frame);
        move(frame, (last.clientX - event.clientX) / scale, (last.clientY - event.clientY) / scale);
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      frame.addEventListener(end, (event) => pointers.delete(event.pointerId));
    }
  }

  // As many columns as make the pictures largest while all of them fit on the screen.
  function arrange() {
    const count = panes.filter((pane) => !pane.hidden).length;
    const room = { width: area.clientWidth, height: innerHeight * 0.92 };
    const label = 30; // CSS pixels above a picture
    const least = 220; // CSS pixels of width, below which a picture is too small to judge
    const widthWith = (columns) => {
      const rows = Math.ceil(count / columns);
      const free = (room.height / rows - label) * (size.width / size.height);
      return Math.min(room.width / columns - 8, free);
    };
    const choices = panes.map((_, index) => index + 1).slice(0, Math.max(1, count));
    let columns = choices.reduce((a, b) => (widthWith(b) > widthWith(a) ? b : a));
    let width = widthWith(columns);
    if (width < least) {
      columns = clamp(Math.floor(room.width / least), 1, count);
      width = room.width / columns - 8;
    }
    area.style.gridTemplateColumns = `repeat(${columns}, ${Math.floor(width)}px)`;
    const slider = $(".slider");
    const free = room.height * (size.width / size.height);
    slider.style.width = `${Math.floor(Math.min(slider.parentElement.clientWidth, free))}px`;
    draw();
  }

  // Which pictures are shown.
  const boxes = $$("#viewer .chips input");
  const all = $("#all");
  function show() {
    panes.forEach((pane, index) => (pane.hidden = !(all?.getAttribute("aria-pressed") === "true" || boxes[index].checked)));
    arrange();
  }
  boxes.forEach((box) =>
    box.addEventListener("change", () => {
      all?.setAttribute("aria-pressed", false);
      show();
    }),
  );
  const toggle = (button) => {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", pressed);
    return pressed;
  };
  all?.addEventListener("click", () => {
    toggle(all);
    show();
  });
  $("#inset")?.addEventListener("click", () => area.classList.toggle("bare", !toggle($("#inset"))));
  $("#full").hidden = !document.fullscreenEnabled;
  $("#full").addEventListener("click", () =>
    document.fullscreenElement ? document.exitFullscreen() : $("#viewer").requestFullscreen(),
  );

  // Before and after.
  const [left, right, split] = [$("#before"), $("#after"), $("#split")];
  const name = (select) => select.selectedOptions[0].text;
  function divide() {
    const share = split.value;
    $(".over").style.clipPath = `inset(0 0 0 ${share}%)`;
    $(".divider").style.left = `${share}%`;
    split.setAttribute("aria-valuetext", `${share} % ${name(left)}, ${100 - share} % ${name(right)}`);
  }
  function choose() {
    for (const [layer, select] of [[before, left], [after, right]]) {
      const source = $(".layer", panes[select.value]);
      Object.assign(layer, { src: source.src, alt: source.alt, ...natural(source) });
      layer.classList.toggle("blended", source.matches(".blended"));
    }
    divide();
    draw();
  }
  split.addEventListener("input", divide);
  left.addEventListener("change", choose);
  right.addEventListener("change", choose);

  // A crop's place in the viewer.
  for (const button of $$(".show")) {
    button.addEventListener("click", () => {
      zoomTo(acting(), 1);
      Object.assign(view, { u: +button.dataset.u, v: +button.dataset.v });
      move(acting(), 0, 0);
      $("#viewer").scrollIntoView();
      area.focus({ preventScroll: true });
    });
  }

  // The studio's pictures come and change while the page is open.
  $("#viewer").addEventListener("pictures", () => {
    size = natural($(".layer", area));
    choose();
    arrange();
  });

  new ResizeObserver(arrange).observe($("#viewer"));
  addEventListener("resize", arrange);
  choose();
  show();
}
