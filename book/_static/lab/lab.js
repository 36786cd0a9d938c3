// The clip lab's page (book/_ext/clip_lab.py writes it): what its buttons do, and what it shows of the answers.
(() => {
  const DIRECTIONS = { left: [-4, 0], right: [4, 0], up: [0, -4], down: [0, 4] };
  const NOISE = 8; // of one press; grey levels
  const here = document.currentScript.src.replace(/lab\.js.*$/, "");
  const form = document.querySelector("form.clip-lab");
  const find = (selector, within = form) => within.querySelector(selector);
  const tasks = JSON.parse(form.dataset.tasks);
  const [left, right] = form.querySelectorAll("canvas"), [leftLabel, rightLabel] = form.querySelectorAll(".lab-label");
  const said = find(".lab-said");

  let task, drawn, version, past, label; // a clip, the reader's version of it, the versions before, its label
  let index = 0, twin = 0, path = [];

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

  const player = FramesInTime.player(find(".lab-film"), {
    count: 1,
    pictures: [right],
    show(t) {
      if (!drawn) return;
      paint(left, drawn.frames[Math.min(t, drawn.frames.length - 1)]);
      paint(right, version[t]);
      left.setAttribute("aria-label", `The clip: ${seen(drawn.frames[Math.min(t, drawn.frames.length - 1)])}`);
      right.setAttribute("aria-label", `Your version: ${seen(version[t])}`);
    },
    words: (t, last) => [
      `frame ${t} of 0–${last}`,
      `frame ${t} of 0 to ${last}${version ? `, ${seen(version[t])}` : ""}`,
    ],
  });

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

  function answer(what) {
    const { classes, families } = ClipLab.networks[task];
    const began = performance.now();
    const before = ClipLab.answers(task, drawn.frames), now = ClipLab.answers(task, version);
    form.dataset.milliseconds = (performance.now() - began).toFixed(1);
    const same = ClipLab.cannotDiffer(drawn.frames, version), isNew = version === drawn.frames;
    const outcomes = { same: [], stayed: [], changed: [] };
    for (const item of form.querySelectorAll(".lab-answer")) {
      const { family } = item.dataset, changed = answered(before[family]) !== answered(now[family]);
      const outcome = isNew ? "new" : same.includes(family) ? "same" : changed ? "changed" : "stayed";
      item.dataset.outcome = outcome;
      bars(find(".lab-bars", item), now[family], classes);
      for (const name of ["new", "same", "stayed", "changed"]) find(`.lab-${name}`, item).hidden = name !== outcome;
      find(".lab-right", item).textContent = families[family].right;
      outcomes[outcome]?.push(find(".family", item).textContent);
    }
    leftLabel.textContent = drawn.label === undefined ? "" : `: ${classes[drawn.label]}`;
    rightLabel.textContent = isNew || label === undefined ? "" : `: ${classes[label]}`;
    const parts = [["same", "Could not change"], ["stayed", "Did not change, but could have"], ["changed", "Changed"]]
      .filter(([outcome]) => outcomes[outcome].length)
      .map(([outcome, words]) => `${words}: ${outcomes[outcome].join(", ")}.`);
    const other = version.length === drawn.frames.length ? "" : ` The same weights run on ${version.length} frames.`;
    said.textContent = [what + other, ...parts].join(" ");
  }

  // Show a version, and what is answered about it.
  function become(frames, what, itsLabel) {
    past.push([version, label]);
    [version, label] = [frames, itsLabel];
    player.recount(version.length);
    answer(what);
  }

  // Begin with a clip.
  function begin(clip, what) {
    drawn = clip;
    [version, label, past, twin] = [clip.frames, clip.label, [], 0];
    player.recount(version.length);
    player.go(0);
    answer(what);
  }

  const options = () => ({ ...tasks[task].options, ...(find("[name=noise]").checked ? {} : { noise: 0 }) });

  function draw(what = `Clip ${index}.`) {
    path = [];
    begin({ ...ClipLab.clip(task, 3, index, options()), index }, what);
  }

  function follow() {
    const kind = Number(find("[name=kind]").value);
    begin({ frames: ClipLab.followed(path, kind, options()) }, "Your path.");
  }

  function step(way) {
    const [x, y] = path.at(-1) ?? [16, 16];
    path.push([x + DIRECTIONS[way][0], y + DIRECTIONS[way][1]]);
    if (path.length === 1) path.unshift([16, 16]);
    follow();
  }

  function exchange(kind) {
    if (drawn.label === undefined) throw new Error("A path of your own has no twin: its answer is not known.");
    const members = ClipLab.twinsOf(task, kind, { seed: 3, options: options(), ...drawn });
    twin = (twin + 1) % members.length;
    become(members[twin].frames, "Its twin.", members[twin].label);
  }

  function act(name) {
    const [what, which] = name.split("-"), { edits } = ClipLab;
    const button = find(`[data-do="${name}"]`).textContent;
    if (what === "next") return draw(`Clip ${(index += 1)}.`);
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
    become(edits[what](version, settings[what]), `${button}.`);
  }

  form.addEventListener("click", ({ target }) => {
    const name = target.closest("[data-do]")?.dataset.do;
    if (!name) return;
    try {
      act(name);
    } catch (error) {
      said.textContent = error.message;
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  function choose() {
    task = find("[name=task]").value;
    for (const button of form.querySelectorAll("[data-do^=twin]")) {
      button.hidden = !tasks[task].twins.includes(button.dataset.do.slice(5));
    }
    if (ClipLab.networks[task]) return draw();
    const script = document.createElement("script"); // a classic one: it works from a file, too
    script.onload = () => draw();
    script.src = `${here}${task}.js`;
    document.head.append(script);
  }
  find("[name=task]").onchange = () => ((index = 0), choose());
  find("[name=noise]").onchange = () => draw(find("[name=noise]").checked ? "With noise." : "Without noise.");
  find("[name=kind]").onchange = () => path.length && follow();

  // A path is drawn on the clip itself.
  const place = ({ clientX, clientY }) => {
    const box = left.getBoundingClientRect();
    return [(32 * (clientX - box.left)) / box.width, (32 * (clientY - box.top)) / box.height];
  };
  left.onpointerdown = (event) => {
    left.setPointerCapture(event.pointerId);
    path = [place(event)];
  };
  left.onpointermove = (event) => left.hasPointerCapture(event.pointerId) && path.push(place(event));
  left.onpointerup = () => path.length > 1 && follow();

  choose();
})();
