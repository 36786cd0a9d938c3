// Plays each clip of the book (figure.clip), from its film strip. Frames count from 0, as in the course's code.
(() => {
  const FRAME = 125; // milliseconds
  const BY_ITSELF = 38; // frames: what starts by itself rests within five seconds (WCAG 2.2.2)
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function player(figure) {
    const strip = figure.querySelector("img");
    const frames = Number(figure.dataset.frames);
    let t = 0, timer = null;

    const find = (selector) => figure.querySelector(selector);
    const pictures = figure.querySelectorAll("canvas");
    const toggle = find(".clip-toggle"), slider = find("input"), readout = find(".clip-readout");
    const [, back, forward] = figure.querySelectorAll("button");

    function show(frame) {
      t = (frame + frames) % frames;
      pictures.forEach((picture, row) => {
        const side = picture.width; // and one line between two frames
        const place = [t * (side + 1), row * (side + 1), side, side, 0, 0, side, side];
        picture.getContext("2d").drawImage(strip, ...place);
      });
      slider.value = t;
      readout.textContent = `frame ${t} of 0–${frames - 1}`;
      slider.setAttribute("aria-valuetext", `frame ${t} of 0 to ${frames - 1}`);
    }

    function pause() {
      clearInterval(timer);
      timer = null;
      toggle.textContent = "Play";
    }

    function play(steps = Infinity) {
      pause();
      timer = setInterval(() => {
        show(t + 1);
        if (--steps <= 0) pause();
      }, FRAME);
      toggle.textContent = "Pause";
    }

    const step = (frame) => (pause(), show(frame));
    toggle.onclick = () => (timer ? pause() : play());
    back.onclick = () => step(t - 1);
    forward.onclick = () => step(t + 1);
    slider.oninput = () => step(Number(slider.value));
    figure.onkeydown = (event) => {
      const at = { ArrowLeft: t - 1, ArrowRight: t + 1, Home: 0, End: frames - 1 }[event.key];
      if (at !== undefined) step(at);
      else if (event.key === " " && event.target === slider) toggle.click();
      else return;
      event.preventDefault();
    };

    pictures.forEach((picture) => {
      picture.onclick = () => (slider.focus({ preventScroll: true }), timer ? pause() : play()); // so that the keys work from here on
    });
    pause();
    show(0);
    new IntersectionObserver(([seen], observer) => {
      if (!seen.isIntersecting) return;
      observer.disconnect();
      if (!calm.matches && !timer) play(Math.min(BY_ITSELF, Math.max(1, Math.floor(BY_ITSELF / frames)) * frames - 1));
    }, { threshold: 0.5 }).observe(pictures[0]);
  }

  for (const figure of document.querySelectorAll("figure.clip")) {
    const strip = figure.querySelector("img");
    strip.complete ? player(figure) : (strip.onload = () => player(figure));
  }
})();
