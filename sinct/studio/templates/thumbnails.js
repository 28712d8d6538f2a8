// Small pictures, each fetched when its place comes near the screen: a place has its address in `data-source`.

const thumbnails = (() => {
  const AT_ONCE = 2; // that are fetched at a time, so that a slow one doesn't keep a click waiting
  const AHEAD = "400px"; // how far from the screen places get their pictures
  const queue = []; // what to fetch, the latest first
  let fetching = 0;

  function fetchNext() {
    while (fetching < AT_ONCE && queue.length) {
      const { place, source } = queue.pop();
      if (place.dataset.wanted !== source || !place.isConnected) continue;
      fetching += 1;
      const picture = element("img", { alt: "", src: source, width: 120, height: 90 });
      const done = (child) => {
        fetching -= 1;
        if (place.dataset.wanted === source) {
          place.replaceChildren(child);
          place.dataset.has = source;
        }
        fetchNext();
      };
      picture.decode().then(
        () => done(picture),
        () => done(element("span", { textContent: "cannot be read" })),
      );
    }
  }

  const near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        target.dataset.near = isIntersecting ? "1" : "";
        if (isIntersecting) want(target);
      }
    },
    { rootMargin: AHEAD },
  );

  function want(place) {
    const { source, has, wanted } = place.dataset;
    if (!source || source === has || source === wanted) return;
    place.dataset.wanted = source;
    queue.push({ place, source });
    fetchNext();
  }

  return { watch: (place) => near.observe(place), changed: (place) => place.dataset.near && want(place) };
})();
