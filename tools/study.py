"""Train every family on every task (``make study``), and some over a few settings (``make sweeps``); keep the results.

What a run does is in `tools.runs` and `tools.remedies`. A plan is a list of runs, each a plain dict that says all there
is to say of it. A results file holds the same dicts with what was measured added, one on a line; a run that is in the
file is not done again, so a killed study goes on.
"""

import json
import os
import platform
import re
import sys
import time
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from zlib import crc32

from tools import workers

ROOT = Path(__file__).resolve().parents[1]
SEEDS = range(5)
BUDGET = {"clips": 2048, "repeats": 1, "epochs": 12, "learning_rate": 2e-3}  # an epoch shows each clip `repeats` times

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

# Heads against families: few clips of three tasks that two neighbours, any one of all frames, or one frame decide. Half
# of the budget's steps will do: who learns 64 clips by heart has done so after two epochs of twelve.
ON_FEW = {
    f"{task}, 16 x 16": {"task": task, "options": {"resolution": 16, "size": (4, 8)}}
    for task in ("direction", "event", "shape")
}
AT_32 = {"direction, 32 x 32": TASKS["direction"]}  # Flatten has more places, and the listings more parameters
FEW_EPOCHS = BUDGET["epochs"] // 2
HEADS = {  # body, head, and the widths of the dense layers behind
    "3D CNN, maximum": ("3D CNN", "maximum", (64,)),  # the family
    "3D CNN, maximum, more parameters": ("3D CNN", "maximum", (1024, 256)),
    "3D CNN, Flatten": ("3D CNN", "flat", (64,)),
    "3D CNN, Flatten, fewer parameters": ("3D CNN", "flat", ()),
    "CNN + GRU, flat": ("CNN per frame", "GRU, flat", (64,)),  # the family
    "CNN + GRU, maximum over space": ("CNN per frame", "GRU, maximum over space", (64,)),
    "3D listing": ("listing", "flat", ()),
    "3D listing, one frame deep": ("listing, one frame deep", "flat", ()),
    "3D listing, maximum": ("listing", "maximum", ()),
}
HEADS = {
    name: {"family": "headed", "settings": dict(zip(("body", "head", "units"), parts, strict=True))}
    for name, parts in HEADS.items()
}

# Remedies: 64 clips, a 3D CNN that overfits them, and what is said to help; alone, and two of them together.
ON_REMEDIES = ("direction, 16 x 16", "event, 16 x 16")
USUAL = {"head": "flat", "units": (64,), "dropout": 0, "held_out": 0, "shifted": False, "frozen": False}
REMEDIES = {
    "Flatten": {},
    "Flatten, fewer parameters": {"units": ()},
    "Flatten, dropout": {"dropout": 0.5},
    "Flatten, early stopping": {"held_out": 16},  # of the 64 clips
    "Flatten, shifted clips": {"shifted": True},
    "Flatten, frozen convolutions": {"frozen": True},
    "maximum": {"head": "maximum"},
    "maximum, shifted clips": {"head": "maximum", "shifted": True},
    "maximum, frozen convolutions": {"head": "maximum", "frozen": True},
}
REMEDIES = {name: {"family": "remedied", "settings": USUAL | settings} for name, settings in REMEDIES.items()}

# Open gates: lesson 4's experiment on frozen features, and whole networks; without noise, and with it.
WAITED = {
    "order, wait 60": ORDERS["order, wait 60"],
    "order, wait 60, frozen CNN": {
        "task": "order",
        "options": {"frames": 72, "block": 2, "gap": 4, "onset": 4},
        "clips": 1024,
        "epochs": 3,
        "learning_rate": 3e-3,
    },
}
WAITED |= {f"{name}, no noise": row | {"options": row["options"] | {"noise": 0}} for name, row in WAITED.items()}
GATES = {  # cell, and the bias of the gate that keeps its state; None is as Keras starts it
    "SimpleRNN": ("simple", None),
    "GRU": ("gru", None),
    "LSTM": ("lstm", None),
    "GRU, gate +4": ("gru", 4),
    "LSTM, gate +2": ("lstm", 2),
    "LSTM, gate +4": ("lstm", 4),
}
GATED = {
    **{name: {"family": "frozen", "settings": {"cell": cell, "gate": gate}} for name, (cell, gate) in GATES.items()},
    **{
        f"CNN + {name}": {"family": "gated", "settings": {"cell": cell, "gate": gate}}
        for name, (cell, gate) in GATES.items()
        if gate is not None  # the others are families
    },
}

# Other learning rates for the cells of the matrix that no seed solved, and then for those that some did, each from the
# quickest on. Left out: single frames; and `event` for the pooled GRU, where a feature map is one place: the same run.
PALE = {
    "event, 1 frame of 128": ("early fusion", "CNN + SimpleRNN", "CNN + GRU", "CNN + LSTM"),
    "order": ("3D CNN", "(2+1)D"),
    "direction": ("attention, positions", "CNN + GRU, pooled"),
    "duration": ("max pooling", "3D CNN", "(2+1)D"),
}
PARTLY = {
    "event, 1 frame of 128": ("attention", "average pooling", "attention, positions", "(2+1)D"),
    "duration": ("average pooling",),
    "duration, still and clean": ("average pooling",),
}
SLOW = {"event, 1 frame of 128": ("ConvLSTM",)}
LOWER, HIGHER = 5e-4, 4e-3  # with 8e-3 the sweep over rates loses every family


def run(row, column, seed, **changes):
    """Describe one run; ``row`` and ``column`` are names of TASKS and FAMILIES, ``changes`` is what is not as usual."""
    return {
        "row": row,
        "column": column,
        "seed": seed,
        **BUDGET,
        **(TASKS | ORDERS | FILMS | ON_FEW | AT_32 | WAITED)[row],
        **(FAMILIES | HEADS | REMEDIES | GATED)[column],
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


def heads():
    """Plan few clips for each head on each body: who overfits, and by the family, the head or the parameters."""
    cells = [(row, column, n) for n in CLIPS[:2] for row in ON_FEW for column in HEADS]
    large = [(row, column, CLIPS[0]) for row in AT_32 for column in HEADS if "parameters" not in column]
    planned = [
        run(row, column, seed, **fewer_clips(n) | {"epochs": FEW_EPOCHS})
        for seed in SEEDS[:3]
        for row, column, n in [*cells, *large]
    ]
    return sorted(planned, key=lambda run: run["clips"])  # the fewest first: they tell most


def remedies():
    """Plan each remedy on the fewest clips; who stops early looks after each pass, as it cannot wait for 32 of them."""
    often = {"repeats": 1, "epochs": FEW_EPOCHS * BUDGET["clips"] // CLIPS[0]}
    few = fewer_clips(CLIPS[0]) | {"epochs": FEW_EPOCHS}
    return [
        run(row, column, seed, **few | (often if REMEDIES[column]["settings"]["held_out"] else {}))
        for seed in SEEDS[:3]
        for column in REMEDIES
        for row in ON_REMEDIES
    ]


def gates():
    """Plan waits for recurrent networks whose gates start open: frozen features, whole networks, both without noise."""
    opened = [f"CNN + {name}" for name, (_, gate) in GATES.items() if gate is not None]  # the others are in the sweeps
    frozen, clean = "order, wait 60, frozen CNN", "order, wait 60, no noise"
    return [
        *(run(f"{frozen}, no noise", column, seed) for seed in SEEDS for column in GATES),
        *(run(f"order, wait {n}", column, seed) for seed in SEEDS[:3] for n in WAITS for column in opened),
        *(run(frozen, column, seed) for seed in SEEDS[:3] for column in GATES),
        *(run(clean, column, seed) for seed in SEEDS[:3] for column in ("CNN + GRU", "CNN + LSTM", *opened)),
    ]


def rates():
    """Plan a lower and a higher learning rate for the cells of the matrix that are neither solved nor framed."""
    return [
        run(row, column, seed, learning_rate=rate)
        for cells in (PALE, PARTLY, SLOW)
        for seed in SEEDS[:3]
        for row, columns in cells.items()
        for column in columns
        for rate in (LOWER, HIGHER)
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
    from tools import remedies, runs  # plans are made and kept without TensorFlow

    return (remedies if run["family"] == "remedied" else runs).carry_out(run)


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


def finish(carry_out, planned):
    """Carry out one run, wherever that is; what was planned, what was measured, and what made it."""
    return planned | carry_out(planned) | {"made": provenance()}


def study(plan, path, carry_out=carry_out, each=map):
    """Carry out what of a plan is not in the results file yet; runs that are in no plan any more are left out.

    A run is kept with what made it, and done again if it lacks a measurement that came later, its accuracy in training.
    It is kept as soon as it is done, and stands where the plan has it. ``each`` is `map`, or one that does several at a
    time, in processes of its own or on other machines, and gives the results in any order.
    """
    plan = json.loads(json.dumps(plan))  # as it comes back from a file: tuples are lists
    known = done_before(plan, [path])
    left = missing(plan, known)
    print(f"{path.name}: {len(plan)} runs, {len(plan) - len(left)} of them done before", flush=True)
    began = time.perf_counter()
    for i, done in enumerate(each(partial(finish, carry_out), left)):
        known[key(done, plan[0])] = done
        write(path, {"made": done["made"], "runs": sorted_by(plan, known)})
        spent = time.perf_counter() - began
        remaining = spent / (i + 1) * (len(left) - i - 1)
        reached = done["right"] / done["total"]
        print(
            f"[{len(known)}/{len(plan)}] {done['row']}, {done['column']}, seed {done['seed']}: {reached:.1%}; "
            f"{remaining / 60:.0f} min left",
            flush=True,
        )
    print(f"{path.name}: {len(plan)} runs, {time.perf_counter() - began:.0f} s")


def key(run, pattern):
    """Return what names a run in a results file: its part that the plan wrote."""
    return json.dumps({name: run[name] for name in pattern}, sort_keys=True)


def done_before(plan, paths):
    """Collect the runs of a plan that results files hold, by their keys; of two alike, one that needs no repeat."""
    named, known = {key(run, run) for run in plan}, {}
    for run in (run for path in paths for run in read(path)["runs"]):
        name = key(run, next(iter(plan), {}))
        if name in named and "train_accuracy" not in known.get(name, {}):
            known[name] = run
    return known


def missing(plan, known):
    """List the runs of a plan that are still to be done."""
    return [run for run in plan if "train_accuracy" not in known.get(key(run, run), {})]


def sorted_by(plan, known):
    """List the known runs in the plan's order."""
    return [known[name] for name in (key(run, run) for run in plan) if name in known]


def shard(plan, path, which):
    """Choose the runs of shard "i/n" of what a results file lacks, and the file beside it for their results.

    Which shard a run is in depends on the plan and on n alone, so each machine can decide it for itself. Neighbours in
    the plan, and so the slow runs, are spread over the shards.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", which)
    number, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= count:
        raise SystemExit(f"SHARD must be i/n, with i from 1 to n, such as 2/8, not {which}")
    spread = sorted(range(len(plan)), key=lambda i: crc32(key(plan[i], plan[i]).encode()))
    chosen = [plan[i] for i in sorted(spread[number - 1 :: count])]
    return missing(chosen, done_before(plan, [path])), shard_path(path, number, count)


def shard_path(path, number, count):
    """Return where a shard's results are kept; ``"*"`` stands for any number."""
    return path.with_suffix(f".{number}-of-{count}{path.suffix}")


def merge(plan, path):
    """Take the runs that shards have done into the results file, and remove shards that hold nothing else."""
    plan = json.loads(json.dumps(plan))
    shards = sorted(path.parent.glob(shard_path(path, "*", "*").name))
    known = done_before(plan, [path, *shards])
    runs = sorted_by(plan, known)
    if shards and runs:
        write(path, {"made": max((run["made"] for run in runs), key=lambda made: made["date"]), "runs": runs})
    for done in shards:
        foreign = [run for run in read(done)["runs"] if key(run, plan[0]) not in known]
        if foreign:
            print(f"{done.name} is kept: {len(foreign)} of its runs are not in the plan")
        else:
            done.unlink()
    print(f"{path.name}: {len(shards)} shards read, {len(missing(plan, known))} of {len(plan)} runs are missing")


def conduct(plan, path, carry_out=carry_out, sample=sample):
    """Carry out a plan as the environment says.

    ``QUICK=1`` does the ``sample`` of it; ``SHARD=i/n`` one of n parts, beside the results file, and ``MERGE=1`` brings
    the parts into it; ``DASK=host:port`` or ``DASK=local`` does the runs on a cluster, otherwise each core does one.
    """
    plan = json.loads(json.dumps(plan))
    if os.environ.get("QUICK"):
        plan, path = sample(plan), ROOT / "_build" / "quick" / path.name
    if os.environ.get("MERGE"):
        merge(plan, path)
        return
    if os.environ.get("SHARD"):
        plan, path = shard(plan, path, os.environ["SHARD"])
    with workers.chosen() as each:
        study(plan, path, carry_out, each)


SEQLIB = ROOT / "seqlib"  # what lies here is in the package: lessons read it
PLANS = {
    "matrix": (matrix, SEQLIB / "study.json"),
    "heads": (heads, SEQLIB / "heads.json"),
    "gates": (gates, SEQLIB / "gates.json"),
    "rates": (rates, SEQLIB / "rates.json"),
    "sweeps": (sweeps, SEQLIB / "sweeps.json"),
    "remedies": (remedies, ROOT / "book" / "remedies.json"),  # a page of the book alone reads it
}


def main():
    """Carry out the plans that are named."""
    for argument in sys.argv[1:]:
        plan, path = PLANS[argument]
        conduct(plan(), path)


if __name__ == "__main__":
    main()
