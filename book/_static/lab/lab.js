// The clip lab's forms (book/_ext/clip_lab.py writes them): what their buttons do, and what they show of the answers.
// A form with `data-waits` draws its clip when it comes near, and loads a task's networks when a button is pressed.
(() => {
  const DIRECTIONS = { left: [-4, 0], right: [4, 0], up: [0, -4], down: [0, 4] };
  const NOISE = 8; // of one press; grey levels
  const SEED = 3;
  const here = document.currentScript.src.replace(/lab\.js.*$/, "");
  const loading = {};

  // A classic script works from a file, too.
  function load(name, version) {
    return (loading[name] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.onload = resolve;
      script.onerror = () => {
        delete loading[name];
        reject(new Error("The networks did not arrive. Press the button again."));
      };
      script.src = `${here}${name}.js?v=${version}`;
      document.head.append(script);
    }));
  }

  function paint(canvas, frame) {
    const side = Math.sqrt(frame.length), image = new ImageData(side, side);
    frame.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // Where a frame is brighter than its noise; in words.
  function seen(frame) {
    const side = Math.sqrt(frame.length), bright = [];
    const sum = (i) => [-side, -1, 0, 1, side].reduce((total, step) => total + (frame[i + step] ?? 64), 0);
    for (let i = 0; i < frame.length; i++) if (sum(i) > 5 * 84) bright.push(i);
    if (bright.length < 8) return "nothing to see";
    const mean = (values) => Math.round(values.reduce((a, b) => a + b) / values.length);
    return `a shape, ${mean(bright.map((i) => i % side))} pixels from the left and ${mean(bright.map((i) => (i / side) | 0))} from the top`;
  }

  const answered = (logits) => logits.indexOf(Math.max(...logits));

  function bars(list, logits, classes) {
    const most = answered(logits);
    list.replaceChildren(...ClipLab.probabilities(logits).map((share, i) => {
      const bar = document.createElement("li");
      bar.className = i === most ? "lab-bar lab-most" : "lab-bar";
      bar.style.setProperty("--share", share.toFixed(3));
      for (const text of [classes[i], `${Math.round(100 * share)}%`]) {
        bar.append(Object.assign(document.createElement("span"), { textContent: text }));
      }
      return bar;
    }));
  }

  function lab(form) {
    const find = (selector, within = form) => within.querySelector(selector);
    const tasks = JSON.parse(form.dataset.tasks), { version: scripts } = form.dataset;
    const [left, right] = form.querySelectorAll("canvas"), [leftLabel, rightLabel] = form.querySelectorAll(".lab-label");
    const said = find(".lab-said"), { task: choice, noise, kind: shape } = form.elements, drawing = find("details");
    const items = [...form.querySelectorAll(".lab-answer")], families = items.map(({ dataset }) => dataset.family);

    let task, drawn, version, past, label; // a clip, the reader's version of it, the versions before, its label
    let index = 0, twin = 0, path = [];

    const player = FramesInTime.player(find(".lab-film"), {
      count: Number(find(".clip-controls input").max) + 1,
      pictures: [right],
      show(t) {
        if (!drawn) return;
        const frame = drawn.frames[Math.min(t, drawn.frames.length - 1)];
        paint(left, frame);
        paint(right, version[t]);
        left.setAttribute("aria-label", `The clip: ${seen(frame)}`);
        right.setAttribute("aria-label", `Your version: ${seen(version[t])}`);
      },
      words: (t, last) => [
        `frame ${t} of 0–${last}`,
        `frame ${t} of 0 to ${last}${version ? `, ${seen(version[t])}` : ""}`,
      ],
    });

    // What one network answers about the version, beside what it answered about the clip.
    function tell(item, before, now, outcome) {
      const { classes, families: known } = ClipLab.networks[task], { family } = item.dataset;
      const verdict = find(".lab-verdict", item), isRight = answered(now) === label;
      item.dataset.outcome = outcome;
      bars(find(".lab-bars", item), now, classes);
      for (const name of ["new", "same", "stayed", "changed"]) find(`.lab-${name}`, item).hidden = name !== outcome;
      find(".lab-right", item).textContent = known[family].right.toLocaleString("en");
      find(".lab-from", item).textContent = classes[answered(before)];
      verdict.textContent = label === undefined ? "" : isRight ? "✓ correct" : "✗ wrong";
    }

    function answer(what) {
      if (!ClipLab.networks[task]) return;
      delete form.dataset.waits;
      const { classes } = ClipLab.networks[task];
      const began = performance.now();
      const before = ClipLab.answers(task, drawn.frames, families), now = ClipLab.answers(task, version, families);
      form.dataset.milliseconds = (performance.now() - began).toFixed(1);
      const same = ClipLab.cannotDiffer(drawn.frames, version), isNew = version === drawn.frames;
      const outcomes = { new: [], same: [], stayed: [], changed: [] };
      for (const item of items) {
        const { family } = item.dataset, changed = answered(before[family]) !== answered(now[family]);
        const outcome = isNew ? "new" : same.includes(family) ? "same" : changed ? "changed" : "stayed";
        tell(item, before[family], now[family], outcome);
        outcomes[outcome].push(find(".family", item).firstChild.textContent);
      }
      leftLabel.textContent = classes[drawn.label] ?? "";
      rightLabel.textContent = classes[label] ?? "";
      const { length } = version, had = drawn.frames.length;
      const other = length === had ? "" : ` The same weights run on ${length} frames. Early fusion could not answer: its `
        + `first convolution has weights for exactly ${tasks[task].options.frames} frames.`;
      const parts = [["same", "Could not change"], ["stayed", "Did not change, but could have"], ["changed", "Changed"]]
        .filter(([outcome]) => outcomes[outcome].length)
        .map(([outcome, words]) => `${words}: ${outcomes[outcome].join("; ")}.`);
      said.textContent = [what + other, ...parts].join(" ");
    }

    // Show a version, and what is answered about it.
    function become(frames, what, itsLabel) {
      past.push([version, label]);
      [version, label] = [frames, itsLabel];
      player.recount(version.length);
      player.once();
      answer(what);
    }

    // Begin with a clip.
    function begin(clip, what) {
      drawn = clip;
      [version, label, past, twin] = [clip.frames, clip.label, [], 0];
      player.recount(version.length);
      answer(what);
    }

    const options = () => ({ ...tasks[task].options, ...(noise && !noise.checked ? { noise: 0 } : {}) });

    function draw(what = `Clip ${index}.`) {
      path = [];
      begin({ ...ClipLab.clip(task, SEED, index, options()), index }, what);
      player.go(Math.max(0, version.findIndex((frame) => !ClipLab.isBlank(frame))));
    }

    function follow() {
      begin({ frames: ClipLab.followed(path, Number(shape.value), options()) }, "Your path.");
      player.once();
    }

    function step(way) {
      const [x, y] = path.at(-1) ?? [16, 16];
      path.push([x + DIRECTIONS[way][0], y + DIRECTIONS[way][1]]);
      if (path.length === 1) path.unshift([16, 16]);
      follow();
    }

    function exchange(kind) {
      if (drawn.label === undefined) throw new Error("A path of your own has no twin: its answer is not known.");
      const members = ClipLab.twinsOf(task, kind, { seed: SEED, options: options(), ...drawn });
      twin = (twin + 1) % members.length;
      become(members[twin].frames, "Its twin.", members[twin].label);
    }

    function act(name) {
      const [what, which] = name.split("-"), { edits } = ClipLab;
      if (what === "next") {
        index += 1;
        draw();
        return player.once();
      }
      if (what === "ask") return answer("Here are their answers. Now change the clip.");
      if (what === "step") return step(which);
      if (what === "twin") return exchange(which);
      if (what === "restart") return begin(drawn, "As it was.");
      if (what === "undo") {
        if (!past.length) throw new Error("There is nothing to undo.");
        [version, label] = past.pop();
        player.recount(version.length);
        return answer("Undone.");
      }
      const settings = {
        freeze: { at: player.at() },
        every: { step: Number(which) },
        noise: { noise: NOISE },
        gap: { by: 4, options: options() },
      };
      const changed = edits[what](version, settings[what]);
      become(changed, `${find(`[data-do="${name}"]`).textContent}.`, ClipLab.labelAfter(what, task, label));
    }

    // Do what may need the networks, or say why it cannot be done.
    async function attempt(deed) {
      try {
        await load(task, scripts);
        deed();
      } catch (error) {
        said.textContent = error.message;
      }
    }

    form.addEventListener("click", ({ target }) => {
      const name = target.closest("[data-do]")?.dataset.do;
      if (!name || !drawn) return;
      if (name === "next" && !ClipLab.networks[task]) act(name);
      else attempt(() => act(name));
    });
    form.addEventListener("submit", (event) => event.preventDefault());

    function choose() {
      task = choice?.value ?? Object.keys(tasks)[0];
      index = tasks[task].first;
      if (choice) {
        for (const button of form.querySelectorAll("[data-do^=twin]")) {
          button.hidden = !tasks[task].twins.includes(button.dataset.do.slice(5));
        }
      }
      if ("waits" in form.dataset) draw();
      else attempt(draw);
    }

    // A path is drawn on the clip itself, while its part of the form is open.
    const place = ({ clientX, clientY }) => {
      const box = left.getBoundingClientRect();
      return [(32 * (clientX - box.left)) / box.width, (32 * (clientY - box.top)) / box.height];
    };
    function mark([x, y]) {
      const context = left.getContext("2d");
      context.fillStyle = getComputedStyle(form).getPropertyValue("--accent");
      context.fillRect(Math.floor(x), Math.floor(y), 1, 1);
    }
    function letDraw() {
      drawing.ontoggle = () => form.toggleAttribute("data-draws", drawing.open);
      left.onpointerdown = (event) => {
        if (!drawing.open) return;
        left.setPointerCapture(event.pointerId);
        player.go(player.at()); // rests
        path = [place(event)];
        mark(path[0]);
      };
      left.onpointermove = (event) => {
        if (!left.hasPointerCapture(event.pointerId)) return;
        path.push(place(event));
        mark(path.at(-1));
      };
      left.onpointerup = () => drawing.open && path.length > 1 && attempt(follow);
      shape.onchange = () => path.length && attempt(follow);
    }

    async function start() {
      await load("clips", scripts);
      await Promise.all([load("networks", scripts), load("edits", scripts)]);
      if (choice) choice.onchange = choose;
      if (noise) noise.onchange = () => attempt(() => draw(noise.checked ? "With noise." : "Without noise."));
      if (drawing) letDraw();
      choose();
      player.start(right);
    }
    if (!("waits" in form.dataset)) return start();
    new IntersectionObserver(([entry], observer) => {
      if (!entry.isIntersecting) return;
      observer.disconnect();
      start();
    }, { rootMargin: "400px" }).observe(form);
  }

  document.querySelectorAll("form.clip-lab").forEach(lab);
})();
