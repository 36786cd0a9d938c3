"""Ten epochs, everything included: a new process that imports, draws clips, trains, and counts what it gets right.

The processes take turns: the course's `fit`, Keras' own `fit` with the same model, and the same in PyTorch. Only
processor time is compared, so it does not matter that they wait. ``python -m benchmarks.ten_epochs WHO FAMILY`` is one
of them.
"""

import json
import os
import subprocess
import sys
from functools import partial

from benchmarks.compare import interleaved, processor_time, row, spread

CLIPS, NEW, EPOCHS, BATCH, RATE = 512, 256, 10, 32, 2e-3


def rows(quick):
    """Compare the training of two families."""
    return [compared(name, rounds=1 if quick else 3) for name in ("3D CNN", "CNN + GRU")]


def compared(name, rounds):
    """Compare the training of a family by all three."""
    printed = {who: [] for who in TRAIN}

    def start(who):
        command = [sys.executable, "-m", "benchmarks.ten_epochs", who, name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        printed[who].append(json.loads(done.stdout.splitlines()[-1]))

    taken = interleaved({who: partial(start, who) for who in TRAIN}, rounds, at_least=0, warm_up=False)
    accuracy = {who: spread([answer["right"] / NEW for answer in answers]) for who, answers in printed.items()}
    stages = {
        who: {stage: spread([answer["stages"][stage] for answer in answers])[1] for stage in answers[0]["stages"]}
        for who, answers in printed.items()
    }
    return row(name, taken, "course", {"Keras": 1.2, "PyTorch": 1.2}, accuracy=accuracy, stages=stages)


def by_course(name, done):
    """Train with `seqlib.training.fit`; how many of the new clips are right."""
    from seqlib import measure, training

    done("imports")
    model, (x, y), new = ours(name)
    done("clips and model")
    training.fit(model, (x, y), epochs=EPOCHS, learning_rate=RATE)
    done("training")
    return measure.accuracy(model, *new).right


def by_keras(name, done):
    """Train with Keras' own `fit`; how many of the new clips are right."""
    from seqlib.backend import keras

    done("imports")
    model, (x, y), (new_x, new_y) = ours(name)
    done("clips and model")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"], jit_compile=False)
    model.fit(x, y, BATCH, EPOCHS, verbose=0)
    done("training")
    return int((model.predict(new_x, BATCH, verbose=0).argmax(1) == new_y).sum())


def by_pytorch(name, done):
    """Train in PyTorch, with shuffled batches of one tensor; how many of the new clips are right."""
    import torch

    import seqlib
    from benchmarks.peers import torch_families

    done("imports")
    torch.manual_seed(0)
    (x, y), (new_x, new_y) = (map(torch.from_numpy, pair) for pair in drawn(seqlib.clips))
    family = torch_families.BUILD[name]((16, 32, 32, 1))
    done("clips and model")
    step = torch_families.training_step(family, rate=RATE)
    for _ in range(EPOCHS):
        for batch in torch.randperm(CLIPS).split(BATCH):
            step(x[batch], y[batch])
    done("training")
    with torch.inference_mode():
        pairs = zip(new_x.split(BATCH), new_y.split(BATCH), strict=True)
        return sum(int((family(x).argmax(1) == y).sum()) for x, y in pairs)


def ours(name):
    """Build a family of the course, and draw what it is trained and tested on."""
    import seqlib
    from seqlib import models
    from tools import study

    family = study.FAMILIES[name]
    return getattr(models, family["family"])(4, **family["settings"]), *drawn(seqlib.clips)


def drawn(clips):
    """Draw clips to learn from and new ones."""
    return clips("direction", CLIPS), clips("direction", NEW, seed=1)


TRAIN = {"course": by_course, "Keras": by_keras, "PyTorch": by_pytorch}


def main(who, name):
    """Train in this process, and print what came of it: the right answers, and the seconds of each stage."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (the progress line; the process ends with it)
    stages, ends = {}, [0.0]

    def done(stage):
        ends.append(processor_time())
        stages[stage] = ends[-1] - ends[-2]

    right = TRAIN[who](name, done)
    done("counting")
    print(json.dumps({"right": right, "stages": stages}))


if __name__ == "__main__":
    main(*sys.argv[1:])
