"""Measure what each family and each listing costs (``make costs``); keep it in seqlib/costs.json, listing_costs.json.

Seconds are taken in rounds, all models in turn, so that a slow minute of the machine meets all of them.
"""

import time

import numpy as np

from seqlib import measure, models
from seqlib.backend import keras
from tools import notebooks, study

CLIP, ROUNDS = (16, 32, 32, 1), 5
LESSON = notebooks.ROOT / "notebooks" / "06_choosing_an_architecture.ipynb"


def families():
    """Build each family of the study, for clips of shape CLIP and four classes; a dict of name to model."""
    return {name: getattr(models, row["family"])(4, CLIP, **row["settings"]) for name, row in study.FAMILIES.items()}


def listings():
    """Build the listings that lesson 6 writes out and that take clips; a dict of name to model."""
    keras.utils.set_random_seed(0)
    built = {name: build() for name, build in notebooks.definitions(LESSON, ["listings"])["LISTINGS"].items()}
    return {name: model for name, model in built.items() if len(model.input_shape) == 5}


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
        training step, ``latency`` in seconds for one clip, both medians over rounds, and ``peak_memory`` in bytes, by
        which a process grows when it trains.
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
    steps, latencies = np.median(seconds, axis=0).T
    return [
        {
            "column": name,
            "parameters": measure.parameters(model),
            "multiply_adds": measure.multiply_adds(model),
            "step_seconds": round(float(step), 5),
            "latency": round(float(latency), 6),
            "peak_memory": measure.peak_memory(model, batch),
        }
        for (name, model), step, latency in zip(built.items(), steps, latencies, strict=True)
    ]


def main():
    """Measure all families, and then the listings."""
    for name, built, batch in (("costs.json", families(), 32), ("listing_costs.json", listings(), 16)):
        began = time.perf_counter()
        study.write(study.ROOT / "seqlib" / name, {"made": study.provenance(), "runs": costs(built, batch)})
        print(f"{name}: {len(built)} models, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
