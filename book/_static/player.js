// The book's one player: of its clips (figure.clip), of the figures that move (figures.js) and of the clip lab
// (lab/lab.js). Frames count from 0, as in the course's code.
const FramesInTime = (() => {
  const FRAME = 125; // milliseconds
  const BY_ITSELF = 38; // frames: what starts by itself rests within five seconds (WCAG 2.2.2)
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // Let the controls within `root` (clip_player.py writes them) move through `count` states. `show` draws a state; `words`
  // says it, for the eye and for the ear. A click on one of `pictures` plays or pauses, a pointer on `track` drags.
  // `interval` is in milliseconds.
  function player(root, { count, show, pictures = [], track, words, interval = FRAME }) {
    let t = 0, timer = null;
    const controls = root.querySelector(".clip-controls");
    const toggle = controls.querySelector(".clip-toggle"), slider = controls.querySelector("input");
    const readout = controls.querySelector(".clip-readout");
    const [, back, forward] = controls.querySelectorAll("button");
    words ??= (frame, last) => [`frame ${frame} of 0–${last}`, `frame ${frame} of 0 to ${last}`];

    function go(state) {
      t = (state + count) % count;
      show(t);
      slider.value = t;
      const [seen, heard = seen] = words(t, count - 1);
      readout.textContent = seen;
      slider.setAttribute("aria-valuetext", heard);
    }

    function pause() {
      clearInterval(timer);
      timer = null;
      toggle.textContent = "Play";
    }

    function play(steps = Infinity) {
      pause();
      timer = setInterval(() => {
        go(t + 1);
        if (--steps <= 0) pause();
      }, interval);
      toggle.textContent = "Pause";
    }

    const step = (state) => (pause(), go(state));
    toggle.onclick = () => (timer ? pause() : play());
    back.onclick = () => step(t - 1);
    forward.onclick = () => step(t + 1);
    slider.oninput = () => step(Number(slider.value));
    root.addEventListener("keydown", (event) => {
      if (event.target.matches("input:not(.clip-controls input), select")) return; // they have keys of their own
      const at = { ArrowLeft: t - 1, ArrowRight: t + 1, Home: 0, End: count - 1 }[event.key];
      if (at !== undefined) step(at);
      else if (event.key === " " && event.target === slider) toggle.click();
      else return;
      event.preventDefault();
    });
    for (const picture of pictures) {
      picture.onclick = () => (slider.focus({ preventScroll: true }), toggle.click()); // so that the keys work from here on
    }
    const drag = (event) => {
      const { left, width } = track.getBoundingClientRect();
      step(Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * count))));
    };
    track?.addEventListener("pointerdown", (event) => {
      track.setPointerCapture(event.pointerId);
      slider.focus({ preventScroll: true });
      drag(event);
    });
    track?.addEventListener("pointermove", (event) => track.hasPointerCapture(event.pointerId) && drag(event));

    pause();
    go(0);
    return {
      go: step,
      again: () => go(t),
      at: () => t,
      recount(states) {
        count = states;
        slider.max = count - 1;
        go(Math.min(t, count - 1));
      },
      // Go once through the states, unless the reader wants no motion or it plays already.
      once: () => calm.matches || timer || play(count),
      // Play once `seen` is on the screen, unless the reader wants no motion or has been quicker.
      start(seen) {
        new IntersectionObserver(([entry], observer) => {
          if (!entry.isIntersecting) return;
          observer.disconnect();
          if (!calm.matches && !timer) play(Math.min(BY_ITSELF, Math.max(1, Math.floor(BY_ITSELF / count)) * count - 1));
        }, { threshold: 0.5 }).observe(seen);
      },
    };
  }

  function clip(figure) {
    const strip = figure.querySelector("img"), pictures = figure.querySelectorAll("canvas");
    const show = (t) => pictures.forEach((picture, row) => {
      const side = picture.width; // and one line between two frames
      const place = [t * (side + 1), row * (side + 1), side, side, 0, 0, side, side];
      picture.getContext("2d").drawImage(strip, ...place);
    });
    player(figure, { count: Number(figure.dataset.frames), show, pictures }).start(pictures[0]);
  }

  for (const figure of document.querySelectorAll("figure.clip")) {
    const strip = figure.querySelector("img");
    strip.complete ? clip(figure) : (strip.onload = () => clip(figure));
  }
  return { player, calm };
})();
