"""Let three watchers score the film of chapter 8's live view (``make live``), into book/live_view.json.

They are trained as those of the study, see `tools.watching`, on fewer windows. Half an hour in which nothing is wrong
gives each its threshold, the highest score. The film shows another run, with two faults.
"""

import hashlib

from seqlib import machine
from tools import study, watching

PATH = study.ROOT / "book" / "live_view.json"
FILM = {"cycles": 6, "seed": 400, "faults": {1: "steps exchanged", 3: "part turned"}}
WATCHERS = ["single frame", "average pooling", "CNN + GRU"]
BUDGET = watching.BUDGET | {"windows": 2400, "hours": 0.5}


def film(noise=machine.NOISE):
    """Draw the film, a `seqlib.machine.Run`: as the watchers see it, or without noise, as the page shows it."""
    return machine.run(FILM["cycles"], FILM["seed"], FILM["faults"], noise=noise)


def digest(frames):
    """Name frames by their bytes."""
    return hashlib.sha256(frames.tobytes()).hexdigest()


def watch(column):
    """Train a watcher, find its threshold, and let it score the film."""
    run = watching.COLUMNS[column] | BUDGET | {"seed": 0}
    model, _ = watching.train(run)
    normal = watching.normal_hours(watching.THRESHOLD, run["hours"])
    threshold = max(watching.score(model, frames, run["every"]).max() for frames in normal)
    scores = watching.score(model, film().frames, run["every"])
    return {
        "watcher": column,
        "frames": run["frames"],
        "threshold": round(float(threshold), 3),
        "scores": [round(float(score), 3) for score in scores],
    }


def main():
    """Let all three watch."""
    runs = []
    for column in WATCHERS:
        runs.append(watch(column))
        print(f"{column}: threshold {runs[-1]['threshold']}, highest score {max(runs[-1]['scores'])}", flush=True)
    made = study.provenance() | {"film": FILM, "frames": digest(film().frames), "training": BUDGET}
    study.write(PATH, {"made": made, "runs": runs})


if __name__ == "__main__":
    main()
