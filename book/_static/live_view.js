// Plays the live view of a machine and its watchers (figure.clip-live, book/_ext/live_view.py) with the book's player.
(() => {
  for (const figure of document.querySelectorAll("figure.clip-live")) {
    const view = figure.querySelector(".clip"), picture = figure.querySelector("canvas"), strip = new Image();
    const cells = JSON.parse(view.dataset.cells), rate = Number(view.dataset.rate); // where each frame is in the strip
    const said = [...figure.querySelectorAll("[data-states]")].map((text) => [text, JSON.parse(text.dataset.states)]);

    function show(t) {
      const side = picture.width; // and one line between two frames
      picture.getContext("2d").drawImage(strip, cells[t] * (side + 1), 0, side, side, 0, 0, side, side);
      view.style.setProperty("--now", (t + 1) / cells.length);
      for (const [text, states] of said) {
        const [, words] = states.findLast(([first]) => first <= t);
        if (text.textContent !== words) text.textContent = words; // a screen reader says what is new, and nothing else
      }
    }
    const words = (t, last) => [`frame ${t} of 0–${last}, ${(t / rate).toFixed(1)} s`, `frame ${t} of 0 to ${last}`];
    const track = figure.querySelector(".live-curves");
    const all = { count: cells.length, show, words, pictures: [picture], track, interval: 1000 / rate };
    strip.onload = () => FramesInTime.player(figure, all);
    strip.src = view.dataset.strip;
  }
})();
