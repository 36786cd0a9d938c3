// The lab's five networks (tools/clip_lab.py) in plain JavaScript: what they answer about a clip, and what they see of
// it. A clip is a list of frames, each a Uint8Array; maps are Float32Arrays (row, column, channel).
(() => {
  const networks = {};
  const CACHED = 5000; // features of frames and windows that a network keeps

  // Equal frames have equal numbers.
  const numbers = new Map(), known = new WeakMap();
  function number(frame) {
    if (!known.has(frame)) {
      const bytes = String.fromCharCode(...frame);
      if (!numbers.has(bytes)) numbers.set(bytes, numbers.size);
      known.set(frame, numbers.get(bytes));
    }
    return known.get(frame);
  }

  // Convolve maps of three moments, or of one, and apply ReLU; a map that is null lies beyond the clip's end.
  function convolve(moments, side, [kernel, bias], stride) {
    const [inputs, outputs] = kernel.shape.slice(-2), weights = kernel.values;
    const places = Math.ceil(side / stride), before = Math.max((places - 1) * stride + 3 - side, 0) >> 1;
    const result = new Float32Array(places * places * outputs), sums = new Float64Array(outputs);
    for (let row = 0, at = 0; row < places; row++) {
      for (let column = 0; column < places; column++, at += outputs) {
        sums.set(bias.values);
        for (let k = 0; k < 9 * moments.length; k++) {
          const map = moments[(k / 9) | 0];
          const y = row * stride - before + (((k % 9) / 3) | 0), x = column * stride - before + (k % 3);
          if (!map || y < 0 || y >= side || x < 0 || x >= side) continue;
          const from = (y * side + x) * inputs;
          for (let i = 0; i < inputs; i++) {
            const value = map[from + i];
            if (value === 0) continue; // the background, and much behind a ReLU
            const first = (k * inputs + i) * outputs;
            for (let o = 0; o < outputs; o++) sums[o] += value * weights[first + o];
          }
        }
        for (let o = 0; o < outputs; o++) result[at + o] = Math.max(0, sums[o]);
      }
    }
    return result;
  }

  // Join each block of places to one: the largest number of each channel, or all of a map's.
  function pool(map, side, block, join = Math.max) {
    const channels = map.length / side ** 2, places = side / block;
    const result = new Float32Array(places * places * channels).fill(join === Math.max ? -Infinity : 0);
    for (let i = 0; i < map.length; i++) {
      const channel = i % channels, place = (i - channel) / channels;
      const row = (place / side / block) | 0, column = ((place % side) / block) | 0;
      const at = (row * places + column) * channels + channel;
      result[at] = join(result[at], map[i]);
    }
    return result;
  }

  function dense(vector, [kernel, bias], activation = (x) => x) {
    const units = bias.values.length, sums = Float64Array.from(bias.values);
    vector.forEach((value, i) => {
      for (let o = 0; o < units; o++) sums[o] += value * kernel.values[i * units + o];
    });
    return Float32Array.from(sums, activation);
  }

  const relu = (x) => Math.max(0, x), sigmoid = (x) => 1 / (1 + Math.exp(-x));

  function gru(steps, [kernel, recurrent, { values: biases }]) {
    const units = recurrent.shape[0];
    let state = new Float32Array(units);
    for (const step of steps) {
      const x = dense(step, [kernel, { values: biases.subarray(0, 3 * units) }]);
      const h = dense(state, [recurrent, { values: biases.subarray(3 * units) }]);
      state = state.map((old, o) => {
        const keep = sigmoid(x[o] + h[o]), reset = sigmoid(x[units + o] + h[units + o]);
        return keep * old + (1 - keep) * Math.tanh(x[2 * units + o] + reset * h[2 * units + o]);
      });
    }
    return state;
  }

  const rescaled = (frame) => Float32Array.from(frame, (grey) => grey / 64 - 1);
  const sideOf = (frame) => Math.sqrt(frame.length);

  // What a network takes from the clip before its last two layers, and how much it keeps of what it has computed.
  function frameFeatures({ layers, kept }, frame, pooled) {
    return kept(number(frame), () => {
      const side = sideOf(frame);
      let map = convolve([rescaled(frame)], side, layers[0], 2);
      map = convolve([map], side / 2, layers[1], 2);
      map = pool(convolve([map], side / 4, layers[2], 1), side / 4, 2);
      if (!pooled) return map;
      const places = (side / 8) ** 2;
      return pool(map, side / 8, side / 8, (a, b) => a + b).map((sum) => sum / places);
    });
  }

  function windowFeatures({ layers, kept }, frames, t) {
    const key = (first, last) => around(frames, t + first, t + last).join();
    const map = (moment) => {
      if (!frames[moment]) return null;
      return kept(around(frames, moment - 1, moment + 1).join(), () => {
        const window = [-1, 0, 1].map((k) => frames[moment + k] && rescaled(frames[moment + k]));
        return convolve(window, sideOf(frames[moment]), layers[0], 2);
      });
    };
    return kept(key(-2, 2), () => {
      const side = sideOf(frames[t]);
      const seen = convolve([map(t - 1), map(t), map(t + 1)], side / 2, layers[1], 2);
      return pool(convolve([seen], side / 4, layers[2], 2), side / 8, side / 8);
    });
  }

  const FEATURES = {
    single_frame({ layers, kept }, frames) {
      const frame = frames[frames.length >> 1];
      return kept(number(frame), () => {
        let side = sideOf(frame), map = rescaled(frame);
        for (const layer of layers.slice(0, 2)) {
          map = pool(convolve([map], side, layer, 1), side, 2);
          side /= 2;
        }
        return pool(convolve([map], side, layers[2], 1), side, side);
      });
    },
    average_pooling(network, frames) {
      const features = frames.map((frame) => frameFeatures(network, frame));
      return features[0].map((_, i) => features.reduce((sum, vector) => sum + vector[i], 0) / frames.length);
    },
    conv3d(network, frames) {
      const features = frames.map((_, t) => windowFeatures(network, frames, t));
      return features[0].map((_, i) => Math.max(...features.map((vector) => vector[i])));
    },
    cnn_rnn: (network, frames) => gru(frames.map((frame) => frameFeatures(network, frame)), network.layers[3]),
    cnn_rnn_pooled: (network, frames) => gru(frames.map((frame) => frameFeatures(network, frame, true)), network.layers[3]),
  };

  // The numbers of the frames from `first` to `last`; "-" beyond the clip's ends.
  function around(frames, first, last) {
    const seen = [];
    for (let t = first; t <= last; t++) seen.push(frames[t] ? number(frames[t]) : "-");
    return seen;
  }

  const divisor = (a, b) => (b ? divisor(b, a % b) : a);

  // What decides a network's answer: where it is the same of two clips, the answers cannot differ.
  const SEES = {
    single_frame: (frames) => String(number(frames[frames.length >> 1])),
    average_pooling(frames) {
      const counts = {};
      for (const frame of frames) counts[number(frame)] = (counts[number(frame)] ?? 0) + 1;
      const common = Object.values(counts).reduce(divisor);
      return Object.entries(counts).map(([frame, count]) => `${count / common} of ${frame}`).join();
    },
    conv3d: (frames) => [...new Set(frames.map((_, t) => around(frames, t - 2, t + 2).join()))].sort().join("; "),
    cnn_rnn: (frames) => around(frames, 0, frames.length - 1).join(),
    cnn_rnn_pooled: (frames) => around(frames, 0, frames.length - 1).join(),
  };

  // Read what tools.clip_lab.pack wrote: of a kernel a step for each unit and how many; of a bias its numbers.
  function unpack(data, shapes) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)), view = new DataView(bytes.buffer);
    let place = 0;
    return shapes.map((shape) => {
      const count = shape.reduce((a, b) => a * b), units = shape.at(-1);
      const isKernel = shape.length > 2 || (shape.length === 2 && shape[0] !== 2);
      const floats = Float32Array.from({ length: isKernel ? units : count }, (_, i) => view.getFloat32(place + 4 * i, true));
      place += 4 * floats.length;
      if (!isKernel) return { shape, values: floats };
      const values = Float32Array.from({ length: count }, (_, i) => view.getInt8(place + i) * floats[i % units]);
      place += count;
      return { shape, values };
    });
  }

  ClipLab.computed = 0; // how often features were, and not taken from what is kept
  function keeper() {
    const cache = new Map();
    return (key, compute) => {
      if (cache.size > CACHED) cache.clear();
      if (!cache.has(key)) {
        cache.set(key, compute());
        ClipLab.computed += 1;
      }
      return cache.get(key);
    };
  }

  // The scripts of the tasks call this.
  ClipLab.learned = (task, { classes, families }) => {
    networks[task] = { classes, families: {} };
    for (const [family, { right, of, shapes, data }] of Object.entries(families)) {
      const weights = unpack(data, shapes), layers = [];
      for (let i = 0; i < weights.length; i = layers.flat().length) {
        const parts = layers.length === 3 && family.startsWith("cnn_rnn") ? 3 : 2;
        layers.push(weights.slice(i, i + parts));
      }
      networks[task].families[family] = { right, of, layers, kept: keeper() };
    }
  };

  // {classes, families: {name: {right, of}}}, or undefined before the task's script has come.
  ClipLab.networks = networks;

  // The logits of some families, or of each.
  ClipLab.answers = (task, frames, families = Object.keys(networks[task].families)) => {
    const answers = {};
    for (const family of families) {
      const network = networks[task].families[family], [hidden, last] = network.layers.slice(-2);
      answers[family] = dense(dense(FEATURES[family](network, frames), hidden, relu), last);
    }
    return answers;
  };

  // The families whose answers about these two clips cannot differ.
  ClipLab.cannotDiffer = (before, after) =>
    Object.keys(SEES).filter((family) => SEES[family](before) === SEES[family](after));

  ClipLab.probabilities = (logits) => {
    const largest = Math.max(...logits), powers = Array.from(logits, (logit) => Math.exp(logit - largest));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };
})();
