"""What the processes of test_parallel.py do: functions that each of them imports, without pytest and TensorFlow."""

import os
import signal
import time
from pathlib import Path

BATCH, STEPS, EVERY = 16, 6, 2
SMALL = {"frames": 4, "resolution": 8, "size": (3, 4)}


def note(folder, text):
    """Add a line to the file of this process, named by its worker and its id."""
    with Path(folder, f"{index()}-{os.getpid()}").open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def index():
    return 0 if '"index": 0' in os.environ["TF_CONFIG"] else 1


def end_well(folder):
    note(folder, os.environ["TF_CONFIG"])


def first_time(folder):
    """Tell whether this is the first call of all processes, or the first of this worker."""
    try:
        Path(folder, "first").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def fail_once(folder):
    """Worker 1 fails while worker 0 waits, deaf to SIGTERM; the second time both end well."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(folder, "started")
    if index() == 0 and not Path(folder, "first").exists():
        Path(folder, "deaf").touch()
        time.sleep(600)
    while not Path(folder, "deaf").exists():
        time.sleep(0.01)
    if index() == 1 and first_time(folder):
        os._exit(3)


def wait(folder):
    note(folder, "started")
    time.sleep(600)


def fail(folder):
    note(folder, "started")
    raise SystemExit(4)


def build():
    """Return a compiled model; SGD, because Adam hides a gradient that was added twice."""
    from seqlib import models
    from seqlib.backend import keras

    model = models.conv3d(4, (4, 8, 8, 1), 3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss, metrics=["accuracy"])
    return model


def clips(start, stop):
    import seqlib

    return seqlib.clips("direction", stop - start, 0, start=start, **SMALL)


def train(folder):
    """Train; worker 1 is killed once, before the last step but one of the second interval is done."""
    import numpy as np

    from seqlib import parallel

    def watched(start, stop):
        step = start // BATCH
        if index() == 1 and step == STEPS - 1 and first_time(folder):
            os.kill(os.getpid(), signal.SIGKILL)
        note(folder, f"{step} {start} {stop}")
        return clips(start, stop)

    model = parallel.fit(build, watched, steps=STEPS, batch=BATCH, folder=Path(folder, "checkpoints"), every=EVERY)
    np.savez(Path(folder, f"weights{index()}.npz"), *model.get_weights())
