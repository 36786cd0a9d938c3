"""Train every family on every task (``make study``), and some over a few settings (``make sweeps``); keep the results.

A plan is a list of runs, each a plain dict that says all there is to say of it. A results file holds the same dicts
with what was measured added, one on a line; a run that is in the file is not done again, so a killed study goes on.
"""

import json
import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

import seqlib

ROOT = Path(__file__).resolve().parents[1]
SEEDS = range(5)
BUDGET = {"clips": 2048, "repeats": 1, "epochs": 12, "learning_rate": 2e-3}  # an epoch shows each clip `repeats` times
STOP_AT = 0.995  # of 2,048 validation clips
TRAINING, VALIDATION, TEST, TWINS = 10, 1, 2, 3  # seeds of clips; a run trains on TRAINING + its own seed

TASKS = {  # the rows of the matrix
    "shape": {"task": "shape", "options": {}, "clips": 4096},  # the control; some learn 2,048 by heart
    "direction": {"task": "direction", "options": {}},
    "order": {"task": "order", "options": {}},
    "order, wide margins": {
        "task": "order",
        "options": {"frames": 20, "noise": 0, "block": 2, "gap": 4, "onset": (4, 8)},
    },
    "event, 1 frame of 128": {
        "task": "event",
        "options": {"frames": 128, "resolution": 12, "size": (5, 6), "brightness": (84, 92)},
    },
    "duration": {"task": "duration", "options": {}},
    "duration, still and clean": {"task": "duration", "options": {"speed": 0, "noise": 0}},
}
FAMILIES = {  # its columns
    "single frame": {"family": "single_frame", "settings": {}},
    "early fusion": {"family": "early_fusion", "settings": {}},
    "average pooling": {"family": "average_pooling", "settings": {}},
    "max pooling": {"family": "max_pooling", "settings": {}},
    "attention": {"family": "attention_pooling", "settings": {}},
    "attention, positions": {"family": "attention_pooling", "settings": {"positions": True}},
    "3D CNN": {"family": "conv3d", "settings": {}},
    "(2+1)D": {"family": "conv2plus1d", "settings": {}},
    "CNN + SimpleRNN": {"family": "cnn_rnn", "settings": {"cell": "simple"}},
    "CNN + GRU": {"family": "cnn_rnn", "settings": {"cell": "gru"}},
    "CNN + LSTM": {"family": "cnn_rnn", "settings": {"cell": "lstm"}},
    "CNN + GRU, pooled": {"family": "cnn_rnn", "settings": {"cell": "gru", "features": "pooled"}},
    "ConvLSTM": {"family": "conv_lstm", "settings": {}},
}


# The sweeps: each is over one setting, for the columns that it is about.
CLIPS, ON_CLIPS = (64, 256, 1024, 4096), ("early fusion", "3D CNN", "(2+1)D", "CNN + GRU", "CNN + LSTM")
GAPS, WAITS, ON_ORDER = (20, 40, 60), (4, 20, 40, 60), ("3D CNN", "CNN + SimpleRNN", "CNN + GRU", "CNN + LSTM")
RATES, ON_RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3), ("3D CNN", "CNN + GRU", "attention, positions")
FRAMES, ON_FILMS = (16, 32, 64, 256), ("average pooling", "max pooling")  # 128 frames are in the matrix
SMALL = {"task": "order", "options": {"resolution": 16, "size": (4, 8), "block": 2, "onset": (0, 4)}}
ORDERS = {
    **{f"order, wait {wait}": {"frames": 12 + wait, "gap": 4} for wait in WAITS},  # blank frames after the second block
    **{f"order, gap {gap}": {"frames": 12 + gap, "gap": gap} for gap in GAPS},  # with a wait of 4
}
ORDERS = {name: SMALL | {"options": SMALL["options"] | options} for name, options in ORDERS.items()}
FLASH = TASKS["event, 1 frame of 128"]
FILMS = {f"event, 1 frame of {n}": FLASH | {"options": FLASH["options"] | {"frames": n}} for n in FRAMES}


def run(row, column, seed, **changes):
    """Describe one run; ``row`` and ``column`` are names of TASKS and FAMILIES, ``changes`` is what is not as usual."""
    return {
        "row": row,
        "column": column,
        "seed": seed,
        **BUDGET,
        **(TASKS | ORDERS | FILMS)[row],
        **FAMILIES[column],
        **changes,
    }


def matrix():
    """Plan the capability matrix: tasks x families x seeds, the seeds outermost."""
    return [run(row, column, seed) for seed in SEEDS for row in TASKS for column in FAMILIES]


def sweeps():
    """Plan the curves of chapter 6: over clips, the gap in `order` and the wait after it, the learning rate, the film.

    The film's length is about luck, and so has all seeds.
    """
    curves = [
        *((column, "direction", fewer_clips(n)) for n in CLIPS for column in ON_CLIPS),
        *((column, row, {}) for row in ORDERS for column in ON_ORDER),
        *((column, "order", {"learning_rate": rate}) for rate in RATES for column in ON_RATES),
    ]
    films = [(column, row, {}) for row in FILMS for column in ON_FILMS]
    return [
        *(run(row, column, seed, **changes) for seed in SEEDS[:3] for column, row, changes in curves),
        *(run(row, column, seed, **changes) for seed in SEEDS for column, row, changes in films),
    ]


def fewer_clips(n):
    """Train on n clips, be they fewer or more than the budget's, for as many steps as the budget has."""
    repeats = max(1, BUDGET["clips"] // n)
    return {"clips": n, "repeats": repeats, "epochs": BUDGET["epochs"] * BUDGET["clips"] // (n * repeats)}


def sample(plan):
    """Choose few runs, such that each row and each column is there, with a budget that only proves the machinery."""
    chosen, seen = [], set()
    for new in (2, 1):  # first a row and a column that are both new, then what is still missing
        for planned in plan:
            if len({planned["row"], planned["column"]} - seen) >= new:
                chosen.append(planned | {"clips": 64, "epochs": 1})
                seen |= {planned["row"], planned["column"]}
    return chosen


def carry_out(run):
    """Train and test one model; returns what was measured."""
    from seqlib import measure, models, training  # plans are made and kept without TensorFlow
    from seqlib.backend import keras

    task, options = seqlib.TASKS[run["task"]], run["options"]
    x, y = seqlib.clips(task, run["clips"], TRAINING + run["seed"], **options)
    train = np.concatenate([x] * run["repeats"]), np.concatenate([y] * run["repeats"])
    validation = seqlib.clips(task, 2048, VALIDATION, **options)
    keras.backend.clear_session()
    model = getattr(models, run["family"])(task, x.shape[1:], run["seed"], **run["settings"])
    fitted = training.fit(
        model,
        train,
        validation,
        epochs=run["epochs"],
        learning_rate=run["learning_rate"],
        seed=run["seed"],
        stop_at=STOP_AT,
    )
    if fitted.interrupted:
        raise KeyboardInterrupt
    accuracy = measure.accuracy(model, *seqlib.clips(task, 2000, TEST, **options))
    twins = {
        kind: measure.twin_agreement(model, *seqlib.twins(task, kind, 500, TWINS, **options))
        for kind in task.twins
        if kind != "shift"
    }
    return {
        "epochs_done": len(fitted.history["loss"]),
        "seconds": round(fitted.seconds, 1),
        "train_accuracy": measure.accuracy(model, x, y).value,
        "right": accuracy.right,
        "total": accuracy.total,
        "twins": {
            kind: {
                "right": report.accuracy.right,
                "total": report.accuracy.total,
                "sets": report.sets,
                "same_answer": report.same_answer,
                "most_right": report.most_right,
            }
            for kind, report in twins.items()
        },
    }


def read(path):
    """Read a results file; an empty one if there is none."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {"made": {}, "runs": []}


def write(path, results):
    """Write a results file, one run on a line, whole or not at all."""
    header = json.dumps(results["made"])
    runs = ",\n".join(json.dumps(run) for run in results["runs"])
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(f'{{"made": {header},\n"runs": [\n{runs}\n]}}\n', "utf-8")
    os.replace(unfinished, path)


def provenance():
    """Say when, on what and with which versions."""
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
    }


def study(plan, path, carry_out=carry_out, each=map):
    """Carry out what of a plan is not in the results file yet; runs that are in no plan any more are left out.

    ``each`` is `map`, or one that does several at a time and gives the results in order.
    """
    plan = json.loads(json.dumps(plan))  # as it comes back from a file: tuples are lists
    known = {key(done, plan[0]): done for done in read(path)["runs"]}
    left = [planned for planned in plan if key(planned, planned) not in known]
    print(f"{len(plan)} runs, {len(plan) - len(left)} of them done before")
    began = time.perf_counter()
    for i, (planned, measured) in enumerate(zip(left, each(carry_out, left), strict=True)):
        known[key(planned, planned)] = planned | measured
        runs = [known[name] for name in (key(run, run) for run in plan) if name in known]  # in the plan's order
        write(path, {"made": provenance(), "runs": runs})
        spent = time.perf_counter() - began
        remaining = spent / (i + 1) * (len(left) - i - 1)
        reached = measured["right"] / measured["total"]
        print(
            f"[{len(runs)}/{len(plan)}] {planned['row']}, {planned['column']}, seed {planned['seed']}: {reached:.1%}; "
            f"{remaining / 60:.0f} min left",
            flush=True,
        )
    print(f"{path.name}: {len(plan)} runs, {time.perf_counter() - began:.0f} s")


def key(run, pattern):
    """Return what names a run in a results file: its part that the plan wrote."""
    return json.dumps({name: run[name] for name in pattern}, sort_keys=True)


PLANS = {"matrix": (matrix, "study.json"), "sweeps": (sweeps, "sweeps.json")}


def train_beside_others():
    """Prepare a process that trains beside others: on one thread; it ends with its parent, who alone minds Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=lambda: (multiprocessing.parent_process().join(), os._exit(1)), daemon=True).start()
    from seqlib.backend import tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def main():
    """Carry out the plan that is named, or a quick sample of it (QUICK=1); a run on every core."""
    plan, name = PLANS[sys.argv[1]]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), train_beside_others) as pool:
        if os.environ.get("QUICK"):
            study(sample(plan()), ROOT / "_build" / "quick" / name, each=pool.imap)
        else:
            study(plan(), ROOT / "seqlib" / name, each=pool.imap)


if __name__ == "__main__":
    main()
