// What the lab's buttons do to a clip: each takes a list of frames and returns another one, and leaves both as they are.
// What an edit cannot do it throws, in words for the reader.
(() => {
  const MOST_FRAMES = 48;
  const word = (random) => Math.floor(random() * 2 ** 32);

  function isolated(frames) {
    const first = frames.findIndex((frame) => !ClipLab.isBlank(frame));
    const from = frames.findIndex((frame, t) => t > first && ClipLab.isBlank(frame));
    const until = frames.findIndex((frame, t) => t > from && !ClipLab.isBlank(frame));
    return first < 0 || from < 0 || until < 0 ? null : [from, until];
  }

  ClipLab.edits = {
    reverse: (frames) => [...frames].reverse(),

    shuffle(frames, { random = Math.random } = {}) {
      const shuffled = [...frames];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = Math.floor(random() * (i + 1));
        [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
      }
      return shuffled;
    },

    // As a camera that hangs: from frame `at` on nothing changes.
    freeze: (frames, { at }) => frames.map((frame, t) => frames[Math.min(t, at)]),

    every(frames, { step }) {
      const kept = frames.filter((_, t) => t % step === 0);
      if (kept.length < 2) throw new Error(`Every ${step}th of ${frames.length} frames leaves one, and a clip needs two.`);
      return kept;
    },

    noise: (frames, { noise, random = Math.random }) => frames.map((frame) => ClipLab.noisier(frame, noise, word(random))),

    // Blank frames in the middle of those between the two shapes.
    gap(frames, { by, options, random = Math.random }) {
      const between = isolated(frames);
      if (!between) throw new Error("This clip has no gap: there are no blank frames between two shapes.");
      if (frames.length + by > MOST_FRAMES) throw new Error(`The lab has clips of up to ${MOST_FRAMES} frames.`);
      const row = () => ({ kind: 0, size: options.size[0], y: 0, x: 0, contrast: 0, noise: word(random) });
      const blank = Array.from({ length: by }, () => ClipLab.frame(row(), options));
      return frames.toSpliced((between[0] + between[1]) >> 1, 0, ...blank);
    },
  };

  // What an edit makes of a clip's label; undefined where the answer is no longer known.
  const ANY_ORDER = ["shape", "event", "duration"];
  const KEEPS = { shuffle: ANY_ORDER, reverse: ANY_ORDER, freeze: ["shape"], every: ["shape"], gap: ["order"] };
  ClipLab.labelAfter = (edit, task, label) => {
    if (label === undefined || edit === "noise" || KEEPS[edit].includes(task)) return label;
    return edit === "reverse" ? label ^ 1 : undefined; // right and left, down and up, the two orders
  };

  // The members of the twin set that a clip belongs to, the clip first.
  ClipLab.twinsOf = (task, kind, { seed, index, options, frames, label }) => {
    const shown = frames.findIndex((frame) => !ClipLab.isBlank(frame));
    let drawn = options;
    if (kind === "shift") {
      const last = frames.findLastIndex((frame) => !ClipLab.isBlank(frame)), room = frames.length - 1 - (last - shown);
      if (shown < 0) throw new Error("Nothing is shown, so nothing can be shown later.");
      if (room === 0) throw new Error("The shape is there in every frame, so it cannot begin later.");
      drawn = { ...options, onset: [shown, shown === room ? 0 : room] };
    }
    const members = ClipLab.twins(task, kind, seed, index, drawn);
    const same = members.findIndex((member) => member.label === label);
    return [...members.slice(same), ...members.slice(0, same)];
  };

  // A shape that follows a path: points (x, y) in pixels, through which it moves at an even speed.
  ClipLab.followed = (path, kind, options, random = Math.random) => {
    const far = [0];
    for (let i = 1; i < path.length; i++) {
      far.push(far[i - 1] + Math.hypot(path[i][0] - path[i - 1][0], path[i][1] - path[i - 1][1]));
    }
    return Array.from({ length: options.frames }, (_, t) => {
      const distance = (far.at(-1) * t) / (options.frames - 1);
      const i = Math.max(1, far.findIndex((d) => d >= distance)), span = far[i] - far[i - 1] || 1;
      const share = path.length > 1 ? (distance - far[i - 1]) / span : 0;
      const [x, y] = [0, 1].map((axis) => {
        const from = path[i - 1][axis], to = (path[i] ?? path[i - 1])[axis];
        return Math.round(8 * (from + share * (to - from)));
      });
      return ClipLab.frame({ kind, size: options.size[0], y, x, contrast: 96, noise: word(random) }, options);
    });
  };
})();
