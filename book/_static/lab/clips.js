// Draws the clips and twins of seqlib, byte for byte (seqlib/tasks.py, seqlib/rendering.py), from resolved options: the
// fields of seqlib.tasks.Options. Words are unsigned 32-bit numbers: Math.imul multiplies them, >>> 0 keeps them so.
const ClipLab = {};
(() => {
  const KINDS = ["disc", "square", "triangle", "cross"];
  const BACKGROUND = 64, SUBPIXELS = 8;
  const STEP_Y = [0, 0, 1, -1], STEP_X = [1, -1, 0, 0];

  const mod = (a, b) => ((a % b) + b) % b;

  function mix(h) {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  }
  const hash = (...words) => words.reduce((h, word) => mix(((h ^ word) + 0x9e3779b9) >>> 0), 0);

  function crc32(text) {
    let crc = -1;
    for (const letter of text) {
      crc ^= letter.charCodeAt(0);
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 && 0xedb88320);
    }
    return ~crc >>> 0;
  }

  // The nearest (SUBPIXELS * size) ** 2 cells of a shape; of those on the rim, the first ones.
  function cells(kind, size, side) {
    const far = {
      disc: (u, v) => u * u + v * v,
      square: (u, v) => Math.max(u, Math.abs(v)),
      triangle: (u, v) => Math.max(30 * v, 26 * u - 15 * v),
      cross: (u, v) => Math.min(Math.max(u, 3 * Math.abs(v)), Math.max(3 * u, Math.abs(v))),
    }[KINDS[kind]];
    const distance = new Int32Array(side * side);
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) distance[i * side + j] = far(Math.abs(2 * j + 1 - side), 2 * i + 1 - side);
    }
    const count = new Int32Array(distance.reduce((a, b) => Math.max(a, b)) + 1);
    for (const d of distance) count[d]++;
    let rim = 0, left = (SUBPIXELS * size) ** 2;
    while (count[rim] < left) left -= count[rim++];
    return Uint8Array.from(distance, (d) => d < rim || (d === rim && left-- > 0));
  }

  const shapes = {}, tiles = {}, blank = new WeakSet(); // the frames that show nothing

  // A shape's coverages in a frame, 0 to 64, at a subpixel phase; periodic.
  function tile(kind, size, phaseY, phaseX, resolution) {
    const key = [kind, size, phaseY, phaseX, resolution].join();
    if (tiles[key]) return tiles[key];
    const side = resolution * SUBPIXELS;
    const shape = (shapes[[kind, size, side].join()] ??= cells(kind, size, side));
    const covered = new Uint8Array(resolution * resolution);
    for (let y = 0; y < side; y++) {
      const row = ((y + phaseY) % side >> 3) * resolution;
      for (let x = 0; x < side; x++) covered[row + ((x + phaseX) % side >> 3)] += shape[y * side + x];
    }
    return (tiles[key] = covered);
  }

  function halfToEven(x) {
    const below = Math.floor(x), rest = x - below;
    return below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1));
  }

  function noiseLevels(noise) {
    const scale = halfToEven((noise * 65536) / 147.80166);
    return Int16Array.from({ length: 1021 }, (_, sum) => ((sum - 510) * scale + 32768) >> 16);
  }

  function noiseAt(key, pixel, levels) {
    const word = mix((key + Math.imul(pixel, 0x9e3779b9)) >>> 0);
    const pairs = (word & 0xff00ff) + ((word >>> 8) & 0xff00ff);
    return levels[(pairs + (pairs >>> 16)) & 0xffff];
  }

  // One frame as bytes, from a row of the frame table.
  function render({ kind, size, y, x, contrast, noise }, options, levels) {
    const { resolution } = options;
    const top = y - resolution * (SUBPIXELS / 2), left = x - resolution * (SUBPIXELS / 2);
    const covered = tile(kind, size, mod(top, SUBPIXELS), mod(left, SUBPIXELS), resolution);
    const down = mod(-Math.floor(top / SUBPIXELS), resolution), right = mod(-Math.floor(left / SUBPIXELS), resolution);
    const frame = new Uint8Array(resolution * resolution);
    if (!contrast) blank.add(frame);
    for (let i = 0, pixel = 0; i < resolution; i++) {
      const row = ((i + down) % resolution) * resolution;
      for (let j = 0; j < resolution; j++, pixel++) {
        let grey = BACKGROUND + ((covered[row + ((j + right) % resolution)] * contrast + 32) >> 6);
        if (options.noise) grey += noiseAt(noise, pixel, levels);
        frame[pixel] = grey;
      }
    }
    return frame;
  }

  // The random numbers of clip `index`: each is a hash of (task, seed, what it is for, index).
  function drawer(task, seed, index, options) {
    const word = (name, ...more) => hash(crc32(task), seed, crc32(name), ...more);
    const draw = (name, [low, high]) => low + (word(name, index) % (high - low + 1));
    draw.label = (classes) => (index + word("label", Math.floor(index / classes))) % classes;
    draw.appearance = (name, start, length, given = {}) => {
      const { frames, resolution } = options;
      const kind = given.kind ?? draw(`${name} kind`, [0, 3]);
      const direction = given.direction ?? draw(`${name} direction`, [0, 3]);
      const speed = draw(`${name} speed`, options.speed), size = draw(`${name} size`, options.size);
      const [y, x] = ["y", "x"].map((axis) => draw(`${name} ${axis}`, [0, resolution * SUBPIXELS - 1]));
      const brightness = draw(`${name} brightness`, options.brightness);
      return Array.from({ length: frames }, (_, t) => {
        const travelled = speed * (t - (frames >> 1));
        return {
          kind,
          size,
          y: y + STEP_Y[direction] * travelled,
          x: x + STEP_X[direction] * travelled,
          contrast: start <= t && t < start + length ? brightness - BACKGROUND : 0,
          noise: word("noise", index, hash(t)),
        };
      });
    };
    return draw;
  }

  const DISC = 0, CROSS = 3;
  const anything = (draw, label, onset, block) => draw.appearance("shape", onset, block);
  const TABLES = {
    shape: (draw, label, onset, block) => draw.appearance("shape", onset, block, { kind: label }),
    direction: (draw, label, onset, block) => draw.appearance("shape", onset, block, { direction: label }),
    order(draw, label, onset, block, gap) {
      const first = draw.appearance("first", onset, block, { kind: label ? CROSS : DISC });
      const second = draw.appearance("second", onset + block + gap, block, { kind: label ? DISC : CROSS });
      return first.map((row, t) => (second[t].contrast > 0 ? second[t] : row));
    },
    event: anything,
    duration: anything,
  };

  function spanOfOnsets(options, block) {
    const room = options.frames - (options.gap === null ? block : 2 * block + options.gap);
    const margin = Math.min(1, room >> 1);
    return options.onset ?? [margin, room - margin];
  }

  function film(task, draw, label, options, onset) {
    const block = options.block[label], levels = noiseLevels(options.noise);
    onset ??= draw("onset", spanOfOnsets(options, block));
    return TABLES[task](draw, label, onset, block, options.gap).map((row) => render(row, options, levels));
  }

  // Clip `index` of seqlib.clips: its frames, each a Uint8Array, and its label.
  ClipLab.clip = (task, seed, index, options) => {
    const draw = drawer(task, seed, index, options), label = draw.label(options.block.length);
    return { frames: film(task, draw, label, options), label };
  };

  // Set `index` of seqlib.twins: its members, each like a clip.
  ClipLab.twins = (task, kind, seed, index, options) => {
    const draw = drawer(task, seed, index, options), classes = options.block.length, label = draw.label(classes);
    if (kind === "middle" || kind === "stretch") {
      const onset = draw("onset", spanOfOnsets(options, Math.max(...options.block)));
      return options.block.map((_, each) => ({ frames: film(task, draw, each, options, onset), label: each }));
    }
    const length = options.block[0], apart = length + options.gap;
    const onset = kind === "shift" ? options.onset[0] : draw("onset", spanOfOnsets(options, options.block[label]));
    const later = kind === "shift" ? options.onset[1] - onset : 0;
    const from = {
      reverse: (t) => options.frames - 1 - t,
      swap: (t) => t + apart * ((onset <= t && t < onset + length) - (onset + apart <= t && t < onset + apart + length)),
      shift: (t) => mod(t - later, options.frames),
    }[kind];
    const frames = film(task, draw, label, options, onset);
    const twin = { reverse: label ^ 1, swap: 1 - label, shift: label }[kind];
    return [{ frames, label }, { frames: frames.map((_, t) => frames[from(t)]), label: twin }];
  };

  // What follows is of the lab alone. A frame of one shape, from a row of the frame table:
  ClipLab.frame = (row, options) => render(row, options, noiseLevels(options.noise));
  ClipLab.isBlank = (frame) => blank.has(frame);
  // The same frame with more noise.
  ClipLab.noisier = (frame, noise, key) => {
    const levels = noiseLevels(noise);
    const noisier = frame.map((grey, pixel) => Math.min(255, Math.max(0, grey + noiseAt(key, pixel, levels))));
    if (blank.has(frame)) blank.add(noisier);
    return noisier;
  };
})();
