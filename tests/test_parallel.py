"""Training in several processes: the weights of one process, whoever was killed, and no process is left."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import parallel_work as work
import pytest

from seqlib import parallel
from tools.notebooks import ROOT


def notes(folder):
    """What each process noted: {(worker, process): lines}."""
    files = [path for path in folder.iterdir() if path.name[0] in "01"]
    return {tuple(map(int, path.name.split("-"))): path.read_text("utf-8").splitlines() for path in files}


def is_there(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_process_knows_its_number_and_the_addresses_of_all(tmp_path):
    assert parallel.launch(partial(work.end_well, tmp_path), 2) == 0
    configs = {worker: json.loads(line) for (worker, _), [line] in notes(tmp_path).items()}
    assert [configs[worker]["task"] for worker in (0, 1)] == [{"type": "worker", "index": worker} for worker in (0, 1)]
    assert configs[0]["cluster"] == configs[1]["cluster"]
    assert len({*configs[0]["cluster"]["worker"]}) == 2


def test_if_one_fails_the_others_end_and_all_start_again(tmp_path, capsys):
    """The other one minds no SIGTERM."""
    assert parallel.launch(partial(work.fail_once, tmp_path), 2, grace=0.5) == 1
    assert sorted(worker for worker, _ in notes(tmp_path)) == [0, 0, 1, 1]
    assert not any(is_there(process) for _, process in notes(tmp_path))
    assert "worker 1 ended with exit code 3; 3 restarts left" in capsys.readouterr().out


def test_who_always_fails_is_started_so_often_and_not_more(tmp_path):
    with pytest.raises(ChildProcessError, match=r"worker . ended with exit code 4, and restarts is 1"):
        parallel.launch(partial(work.fail, tmp_path), 2, restarts=1)
    assert 2 <= len(notes(tmp_path)) <= 4
    assert multiprocessing.active_children() == []


LAUNCHER = """
import sys
from functools import partial
sys.path.insert(0, "tests")
import parallel_work as work
from seqlib import parallel
if __name__ == "__main__":
    parallel.launch(partial(work.wait, sys.argv[1]), 2)
"""


def test_the_processes_end_with_the_launcher(tmp_path):
    command = [sys.executable, "-c", LAUNCHER, tmp_path]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}) as launcher:
        while len(notes(tmp_path)) < 2:
            assert launcher.poll() is None
        launcher.send_signal(signal.SIGKILL)
    while any(is_there(process) for _, process in notes(tmp_path)):
        pass


@pytest.mark.parametrize(
    ("options", "what"), [({"workers": 0}, "workers"), ({"restarts": -1}, "restarts"), ({"grace": 30}, "grace")]
)
def test_a_number_out_of_range_starts_nothing(tmp_path, options, what):
    with pytest.raises(ValueError, match=what):
        parallel.launch(partial(work.fail, tmp_path), **{"workers": 2} | options)
    assert not notes(tmp_path)


@pytest.mark.slow
def test_after_a_kill_two_processes_reach_the_weights_of_one(tmp_path):
    """Worker 1 is killed in the last step; what was done since the checkpoint, one interval at most, is done again."""
    assert parallel.launch(partial(work.train, tmp_path), 2) == 1
    assert multiprocessing.active_children() == [] and not any(is_there(process) for _, process in notes(tmp_path))
    steps = sorted("".join(line.split()[0] for line in lines) for lines in notes(tmp_path).values())
    assert steps[0] == "01234" and steps[1] in ("01234", "012345")  # the other one may have begun the last step
    assert steps[2:] == ["45", "45"]
    half = work.BATCH // 2
    for (worker, _), lines in notes(tmp_path).items():
        for step, start, stop in (map(int, line.split()) for line in lines):
            assert (start, stop) == (step * work.BATCH + worker * half, step * work.BATCH + (worker + 1) * half)
    alone = work.build()
    for step in range(work.STEPS):
        alone.train_on_batch(*work.clips(step * work.BATCH, (step + 1) * work.BATCH))
    for worker in (0, 1):
        together = np.load(tmp_path / f"weights{worker}.npz")
        assert len(together.files) == len(alone.get_weights())
        for name, weights in zip(together.files, alone.get_weights(), strict=True):
            assert np.abs(together[name] - weights).max() < 1e-6


@pytest.mark.slow
def test_one_process_trains_by_itself_and_goes_on_where_it_stopped(tmp_path):
    options = {"batch": work.BATCH, "folder": tmp_path, "every": 2}
    parallel.fit(work.build, work.clips, steps=3, **options)
    asked = []

    def clips(start, stop):
        asked.append((start, stop))
        return work.clips(start, stop)

    model = parallel.fit(work.build, clips, steps=4, **options)
    assert asked == [(3 * work.BATCH, 4 * work.BATCH)]
    alone = work.build()
    for step in range(4):
        alone.train_on_batch(*work.clips(step * work.BATCH, (step + 1) * work.BATCH))
    for ours, theirs in zip(model.get_weights(), alone.get_weights(), strict=True):
        assert np.abs(ours - theirs).max() < 1e-6


def test_a_batch_that_cannot_be_shared_and_a_model_without_a_loss_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"build must return a compiled model"):
        parallel.fit(uncompiled, work.clips, steps=1, batch=16, folder=tmp_path)
    cluster = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(ValueError, match="batch must be a multiple of the number of workers, 2, not 15"):
        parallel.fit(work.build, work.clips, steps=1, batch=15, folder=tmp_path)


def uncompiled():
    from seqlib import models

    return models.single_frame(4, (4, 8, 8, 1))
