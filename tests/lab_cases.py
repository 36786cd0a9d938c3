"""Random clips and twin sets of all tasks, for the tests that compare the clip lab's JavaScript with seqlib."""

from zlib import crc32

import numpy as np

import seqlib
from seqlib import tasks

FRAMES_OF = [(32, (8, 11)), (32, (5, 8)), (16, (4, 8)), (21, (3, 6)), (40, (20, 20))]  # few: each takes an atlas


def random_options(random, task, kind):
    """Draw options of `seqlib.clips` that may or may not fit together."""
    low, high = sorted(random.integers(1, 33, 2) / 8)
    dim, bright = sorted(random.integers(65, 192, 2))
    options = {
        "frames": int(random.choice([8, 9, 16, 17, 24, 32])),
        "speed": (float(low), float(high)),
        "brightness": (int(dim), int(bright)),
        "noise": float(
            random.choice([0, 8, 18, random.uniform(0, 18), 147.80166 / 65536 * (random.integers(9) + 0.5)])
        ),
        "gap": int(random.integers(1, 9)) if task == "order" else None,
        "block": int(random.integers(2, 9)) if task in ("shape", "direction", "order") else None,
        "onset": tuple(int(t) for t in np.sort(random.integers(0, 9, 2))),
    }
    kept = random.random(len(options)) < 0.5
    return {name: value for (name, value), keep in zip(options.items(), kept, strict=True) if keep}


def cases(n, seed=0):
    """List n cases as the browser is given them, with the checksums of seqlib's bytes and its labels.

    Returns
    -------
    list of dict
        task, kind (None for a clip), seed, index, options; checksums, labels: one of each member.
    """
    random, drawn = np.random.default_rng(seed), []
    pairs = [(task.name, kind) for task in seqlib.TASKS.values() for kind in (None, *task.twins)]
    while len(drawn) < n:
        task, kind = pairs[len(drawn) % len(pairs)]
        resolution, size = FRAMES_OF[len(drawn) * len(FRAMES_OF) // n]
        given = random_options(random, task, kind) | {"resolution": resolution, "size": size}
        where = [int(random.integers(2**32)), int(random.choice([random.integers(99), random.integers(2**32)]))]
        try:
            resolved = tasks._options(seqlib.TASKS[task], kind, *(dict.fromkeys(tasks.DEFAULTS) | given).values())
            x, y = (
                seqlib.clips(task, 1, where[0], start=where[1], **given)
                if kind is None
                else seqlib.twins(task, kind, 1, where[0], start=where[1], **given)
            )
        except ValueError:  # these do not fit together
            continue
        members = x if kind is None else x[:, 0]
        drawn.append(
            {
                "task": task,
                "kind": kind,
                "seed": where[0],
                "index": where[1],
                "options": resolved._asdict(),
                "checksums": [crc32(member.tobytes()) for member in members],
                "labels": y.ravel().tolist(),
            }
        )
    return drawn
