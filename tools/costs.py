"""Measure what each family costs (``make costs``); keep it in seqlib/costs.json.

Seconds are taken in rounds, all families in turn, so that a slow minute of the machine meets all of them.
"""

import time

import numpy as np

from seqlib import measure, models
from tools import study

CLIP, BATCH, ROUNDS = (16, 32, 32, 1), 32, 5


def costs(families, rounds=ROUNDS):
    """Measure the costs of families, which are as in `tools.study.FAMILIES`, on clips of shape CLIP.

    Returns
    -------
    list of dict
        For each family its name (``column``), ``parameters``, ``multiply_adds`` of a clip, ``step_seconds`` for a
        training step of BATCH clips, ``latency`` in seconds for one clip, both medians over rounds, and
        ``peak_memory`` in bytes, by which a process grows when it trains.
    """
    built = {name: getattr(models, row["family"])(4, CLIP, **row["settings"]) for name, row in families.items()}
    seconds = []
    for i in range(rounds):
        began = time.perf_counter()
        seconds.append([(measure.step_seconds(m, BATCH).median, measure.latency(m).median) for m in built.values()])
        print(f"round {i + 1} of {rounds}: {time.perf_counter() - began:.0f} s", flush=True)
    steps, latencies = np.median(seconds, axis=0).T
    return [
        {
            "column": name,
            "parameters": measure.parameters(model),
            "multiply_adds": measure.multiply_adds(model),
            "step_seconds": round(float(step), 5),
            "latency": round(float(latency), 6),
            "peak_memory": measure.peak_memory(model, BATCH),
        }
        for (name, model), step, latency in zip(built.items(), steps, latencies, strict=True)
    ]


def main():
    """Measure all families of the study."""
    began = time.perf_counter()
    path = study.ROOT / "seqlib" / "costs.json"
    study.write(path, {"made": study.provenance(), "runs": costs(study.FAMILIES)})
    print(f"{path.name}: {len(study.FAMILIES)} families, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
