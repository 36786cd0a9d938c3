"""Measure what models cost (``make costs``): the families, the listings, and the three ways to write one CNN per frame.

The results are seqlib/costs.json, listing_costs.json and way_costs.json, and every page quotes them.
Seconds are taken in rounds, all models in turn, so that a slow minute of the machine meets all of them.
"""

import time

import numpy as np

from seqlib import measure, models
from seqlib.backend import keras
from tools import notebooks, study

CLIP, ROUNDS = (16, 32, 32, 1), 5
LESSONS = notebooks.ROOT / "notebooks"


def families():
    """Build each family of the study, for clips of shape CLIP and four classes; a dict of name to model."""
    return {name: getattr(models, row["family"])(4, CLIP, **row["settings"]) for name, row in study.FAMILIES.items()}


def listings():
    """Build the listings that lesson 6 writes out and that take clips; a dict of name to model."""
    keras.utils.set_random_seed(0)
    lesson = notebooks.definitions(LESSONS / "06_choosing_an_architecture.ipynb", ["listings"])
    built = {name: build() for name, build in lesson["LISTINGS"].items()}
    return {name: model for name, model in built.items() if len(model.input_shape) == 5}


def ways():
    """Build the same CNN per frame as lesson 4 writes it in three ways; a dict of name to model."""
    lesson = notebooks.definitions(LESSONS / "04_cnn_rnn_hybrids.ipynb", ["063a7668"])
    return {way.__name__: lesson["build_way"](way)[0] for way in lesson["WAYS"]}


def costs(built, batch, rounds=ROUNDS, repeats=5):
    """Measure what models cost.

    Parameters
    ----------
    built : dict of str to keras.Model
    batch : int
        Clips in a training step, B.
    rounds, repeats : int
        In each round each model is timed over so many repeats.

    Returns
    -------
    list of dict
        For each model its name (``column``), ``parameters``, ``multiply_adds`` of a clip, ``step_seconds`` for a
        training step, ``latency`` in seconds for one clip, both medians over rounds, ``step_rounds``, the steps of each
        round, which tell how far a ratio of two models spreads, and ``peak_memory`` in bytes, by which a process grows
        when it trains.
    """
    seconds = []
    for i in range(rounds):
        began = time.perf_counter()
        seconds.append(
            [
                (measure.step_seconds(model, batch, repeats).median, measure.latency(model).median)
                for model in built.values()
            ]
        )
        print(f"round {i + 1} of {rounds}: {time.perf_counter() - began:.0f} s", flush=True)
    rounds_of_steps = np.array(seconds)[:, :, 0].T
    steps, latencies = np.median(seconds, axis=0).T
    return [
        {
            "column": name,
            "parameters": measure.parameters(model),
            "multiply_adds": measure.multiply_adds(model),
            "step_seconds": round(float(step), 5),
            "step_rounds": [round(float(step), 5) for step in of_rounds],
            "latency": round(float(latency), 6),
            "peak_memory": measure.peak_memory(model, batch),
        }
        for (name, model), step, of_rounds, latency in zip(
            built.items(), steps, rounds_of_steps, latencies, strict=True
        )
    ]


def main():
    """Measure all families, then the ways, then the listings."""
    files = (("costs.json", families, 32), ("way_costs.json", ways, 32), ("listing_costs.json", listings, 16))
    for name, build, batch in files:
        built = build()
        began = time.perf_counter()
        study.write(study.ROOT / "seqlib" / name, {"made": study.provenance(), "runs": costs(built, batch)})
        print(f"{name}: {len(built)} models, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
