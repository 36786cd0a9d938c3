// The figures that a reader moves (figure.moving, book/_ext/moving_figures.py), each with the book's player.
(() => {
  const list = (numbers) => numbers.join(", ").replace(/, ([^,]*)$/, " and $1");

  // Postcards in any order; what an average and a maximum hold once the first t + 1 of them are merged.
  function postcards(figure) {
    const pictures = figure.querySelector("[data-frames]"), table = figure.querySelector(".postcards");
    const cards = [...table.children], [average, maximum] = pictures.querySelectorAll(".clip-member canvas");
    const bytes = Uint8Array.from(atob(pictures.dataset.frames), (letter) => letter.charCodeAt(0));
    const pixels = bytes.length / cards.length, said = figure.querySelector(".moving-said");
    const frames = cards.map((_, t) => bytes.subarray(t * pixels, (t + 1) * pixels));
    let order = [...frames.keys()];

    function paint(canvas, values) {
      const image = new ImageData(canvas.width, canvas.height);
      values.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
      canvas.getContext("2d").putImageData(image, 0, 0);
    }
    const merged = (cardsOf, join) => cardsOf.reduce((sum, card) => sum.map((value, i) => join(value, frames[card][i])), new Array(pixels).fill(0));
    const mean = (some) => merged(some, (a, b) => a + b).map((sum) => sum / some.length);
    const most = (some) => merged(some, Math.max);

    function show(t) {
      const some = order.slice(0, t + 1);
      paint(average, mean(some));
      paint(maximum, most(some));
      cards.forEach((card, place) => card.classList.toggle("merged", place <= t));
    }
    function words(t) {
      if (t < frames.length - 1) return [`${t + 1} of ${frames.length} merged`];
      const all = [...frames.keys()];
      const same = [mean, most].every((pool) => pool(order).every((value, i) => value === pool(all)[i]));
      return [`all merged${same ? ": the same as in order" : ""}`];
    }
    const player = FramesInTime.player(figure, { count: frames.length, show, words, pictures: [average, maximum] });

    function lay(cardsInOrder) {
      const before = order.map((card) => card);
      order = cardsInOrder;
      cards.forEach((canvas, place) => {
        paint(canvas, frames[order[place]]);
        if (FramesInTime.calm.matches) return;
        const box = canvas.getBoundingClientRect(), from = cards[before.indexOf(order[place])].getBoundingClientRect();
        const start = `translate(${from.left - box.left}px, ${from.top - box.top}px)`;
        canvas.animate([{ transform: start }, { transform: "none" }], { duration: 400, easing: "ease" });
      });
      table.setAttribute("aria-label", `postcards from left to right: frames ${list(order)}`);
      player.go(frames.length - 1);
      said.textContent = `The order is now ${list(order)}. The average and the maximum of all sixteen are as before.`;
    }
    figure.querySelector("[data-do=shuffle]").onclick = () => {
      const shuffled = [...order];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
      }
      lay(shuffled);
    };
    figure.querySelector("[data-do=sort]").onclick = () => lay([...frames.keys()]);
    cards.forEach((canvas, place) => paint(canvas, frames[place]));
    player.go(frames.length - 1);
  }

  // A kernel three frames deep: which frames output t sees, and which of them are later than frame t.
  function kernel(figure) {
    const BEFORE = 2; // places of padding on each side
    const cells = [...figure.querySelectorAll(".kernel-frames > *")], outputs = [...figure.querySelectorAll(".kernel-outputs > *")];
    const band = figure.querySelector(".kernel-window"), said = figure.querySelector(".moving-said");
    const count = outputs.length, first = { valid: 0, same: -1, causal: -2 };
    const padding = () => figure.querySelector("input[type=radio]:checked").value;

    function sees(t) {
      const from = t + first[padding()];
      return [from, from + 1, from + 2];
    }
    function describe(t) {
      const within = sees(t).filter((frame) => frame >= 0 && frame < count), later = within.filter((frame) => frame > t);
      const blank = within.length < 3 ? ", and otherwise padding: so it can tell that this is an end of the clip" : "";
      const leak = later.length ? `Later than frame ${t}: ${list(later)}.` : `Nothing is later than frame ${t}.`;
      return `Output ${t} sees frame${within.length > 1 ? "s" : ""} ${list(within)}${blank}. ${leak}`;
    }
    function show(t) {
      const seen = sees(t), kind = padding();
      band.style.gridColumn = `${seen[0] + BEFORE + 1} / span 3`;
      cells.forEach((cell, place) => {
        const frame = place - BEFORE, isPad = frame < 0 || frame >= count;
        const used = { valid: 0, same: frame === -1 || frame === count, causal: frame < 0 }[kind];
        cell.classList.toggle("kernel-unused", isPad && !used);
        cell.classList.toggle("kernel-seen", seen.includes(frame));
        cell.classList.toggle("kernel-later", seen.includes(frame) && frame > t && !isPad);
      });
      outputs.forEach((output, k) => {
        output.hidden = kind === "valid" && k >= count - 2;
        output.style.gridColumn = k + BEFORE + 1 + (kind === "valid");
        output.classList.toggle("kernel-seen", k === t);
      });
      said.textContent = describe(t);
    }
    const words = (t) => [`output ${t}`, describe(t)];
    const player = FramesInTime.player(figure, { count, show, words, track: figure.querySelector(".kernel-track") });
    for (const choice of figure.querySelectorAll("input[type=radio]")) {
      choice.onchange = () => player.recount(choice.value === "valid" ? count - 2 : count);
    }
    player.go(3);
  }

  // A flash in one of T frames: what is left of it in a maximum and in an average.
  function dilution(figure) {
    const film = figure.querySelector(".dilution"), said = figure.querySelector(".moving-said");
    const count = Number(figure.querySelector(".clip-controls input").max) + 1;
    const describe = (k) => {
      const frames = 2 ** k, share = `${Number((100 / frames).toPrecision(2))}%`;
      if (!k) return "1 frame: the maximum and the average hold all of the flash.";
      const noise = Number(Math.sqrt(frames).toPrecision(2));
      return `${frames} frames: the maximum holds all of the flash, the average 1/${frames} of it, ${share}. It stands out from the averaged noise ${noise} times less than in its own frame.`;
    };
    function show(k) {
      film.style.setProperty("--frames", 2 ** k);
      said.textContent = describe(k);
    }
    FramesInTime.player(figure, { count, show, words: (k) => [`T = ${2 ** k}`, describe(k)], track: film }).go(4);
  }

  for (const figure of document.querySelectorAll("figure.moving")) {
    const [kind] = ["postcards", "kernel", "dilution"].filter((name) => figure.classList.contains(`moving-${name}`));
    ({ postcards, kernel, dilution })[kind](figure);
  }
})();
