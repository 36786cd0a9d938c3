"""Training in several processes at once, each with its part of every batch, that goes on after one of them has died.

`launch` starts the processes, and starts all of them again if one fails. `fit` is what each of them does: it trains
from the last checkpoint on. Their gradients are added up by TensorFlow's MultiWorkerMirroredStrategy.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from . import arguments

if TYPE_CHECKING:
    from .backend import keras

__all__ = ["fit", "launch"]


def fit(
    build: Callable[[], keras.Model],
    clips: Callable[[int, int], tuple[NDArray[Any], ...]],
    *,
    steps: int,
    batch: int,
    folder: str | os.PathLike[str],
    every: int = 100,
) -> keras.Model:
    """Train a model from its last checkpoint on, together with the other workers that `launch` has started.

    Each worker takes its part of every batch, and all apply the sum of their gradients, so all hold the same weights.
    With layers that treat each clip by itself, these are the weights that one process reaches with whole batches, up to
    rounding. Batch normalisation is not such a layer: it would average over a part of the batch. By itself, without
    `launch`, the function trains in one process. Where another program starts the workers, it has to set ``TF_CONFIG``.

    Parameters
    ----------
    build : callable
        Returns a compiled model; the same in each worker.
    clips : callable
        (start, stop) -> (x, y) or (x, y, lengths): the clips from ``start`` up to ``stop``, counted over the whole
        training. The same numbers must always give the same clips: ``seqlib.shards.rendered(...).make``.
    steps : int
        How many batches in all, those before a restart included.
    batch : int
        Clips in a batch of all workers together, a multiple of their number.
    folder : path
        For the checkpoints; all workers must see it. If it holds one, training goes on from there.
    every : int
        Steps from one checkpoint to the next: what a crash can cost at most.

    Returns
    -------
    keras.Model
        The trained model.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If ``batch`` is not a multiple of the number of workers; if a worker has several GPUs; if the model is not
        compiled; if a number is out of its range.
    """
    from .backend import tf  # not in the process that launches, which needs none of it

    steps, batch = arguments.integer("steps", steps, 1), arguments.integer("batch", batch, 1)
    every = arguments.integer("every", every, 1)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    workers = len(resolver.cluster_spec().as_dict().get("worker", ["this process"]))
    index = resolver.task_id or 0
    if batch % workers:
        raise ValueError(f"batch must be a multiple of the number of workers, {workers}, not {batch}")
    strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)  # before anything is computed
    if strategy.num_replicas_in_sync != workers:
        raise ValueError(
            f"each worker must have one device, not {strategy.num_replicas_in_sync // workers}: "
            "start one worker for each GPU, and set CUDA_VISIBLE_DEVICES in it"
        )
    share = batch // workers
    with strategy.scope():
        model = build()
        if not getattr(model, "optimizer", None):
            raise ValueError("build must return a compiled model: call model.compile(optimizer, loss) in it")
        model.optimizer.build(model.trainable_variables)
    done = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer, done=done)
    manager = tf.train.CheckpointManager(checkpoint, os.fspath(folder), max_to_keep=2)
    checkpoint.restore(manager.latest_checkpoint)

    @tf.function
    def step(data):
        return strategy.run(model.train_step, args=(data,))

    for number in range(int(done.numpy()), steps):
        start = number * batch + index * share
        x, y, *lengths = map(tf.constant, clips(start, start + share))
        step(((x, *lengths) if lengths else x, y))
        done.assign_add(1)
        if index == 0 and ((number + 1) % every == 0 or number + 1 == steps):
            manager.save()
    return model


def launch(work: Callable[[], Any], workers: int, *, restarts: int = 3, grace: float = 10.0) -> int:
    """Call a function in several processes of this machine; if one of them fails, end the others and start all again.

    The processes end with this one, however it ends. A script that calls this must do so below
    ``if __name__ == "__main__":``, because each process imports it.

    Parameters
    ----------
    work : callable
        A function of a module, without arguments, that calls `fit`.
    workers : int
        How many processes.
    restarts : int
        How often to start again; from 0.
    grace : float
        Seconds that a process has to end before it is killed; up to 20.

    Returns
    -------
    int
        How often it was started again.

    Raises
    ------
    ChildProcessError
        If a process failed after the last restart.
    TypeError, ValueError
        If an argument is not of its type, or out of its range.

    Examples
    --------
    In a script::

        def work():
            source = seqlib.shards.rendered("direction", 2**31)
            parallel.fit(build, source.make, steps=1000, batch=64, folder="checkpoints")

        if __name__ == "__main__":
            parallel.launch(work, workers=2)
    """
    workers, restarts = arguments.integer("workers", workers, 1), arguments.integer("restarts", restarts, 0)
    grace = arguments.number("grace", grace, 0, 20)
    for attempt in range(restarts + 1):
        processes = _processes(work, workers)
        try:
            for process in processes:
                process.start()
            failed = _first_to_fail(processes)
        finally:
            _end(processes, grace)
        if failed is None:
            return attempt
        print(f"{failed.name} ended with exit code {failed.exitcode}; {restarts - attempt} restarts left", flush=True)
    raise ChildProcessError(f"{failed.name} ended with exit code {failed.exitcode}, and restarts is {restarts}")


def _processes(work, workers):
    """Make processes that know each other's addresses, free ports of this machine."""
    spawn = multiprocessing.get_context("spawn")
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = ["{}:{}".format(*server.getsockname()) for server in listening]
    for server in listening:
        server.close()
    configs = [
        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}} for index in range(workers)
    ]
    return [
        spawn.Process(target=_work, args=(work, json.dumps(config)), name=f"worker {index}")
        for index, config in enumerate(configs)
    ]


def _work(work, config):
    """Do a worker's part; end if the launcher ends."""
    threading.Thread(target=lambda: (multiprocessing.parent_process().join(), os._exit(1)), daemon=True).start()
    os.environ["TF_CONFIG"] = config
    work()


def _first_to_fail(processes):
    """Wait until a process fails, or all have ended well."""
    running = {process.sentinel: process for process in processes}
    while running:
        for sentinel in connection.wait(list(running)):
            process = running.pop(sentinel)
            process.join()
            if process.exitcode:
                return process
    return None


def _end(processes, grace):
    """End what still runs."""
    started = [process for process in processes if process.pid is not None]
    for process in started:
        process.terminate()
    for process in started:
        process.join(grace / len(started))
        process.kill()
        process.join()
