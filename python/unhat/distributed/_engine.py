"""Jobs on an engine, each answer kept on disk, so that a driver that dies goes on where it was."""

import hashlib
import os
import pathlib

from unhat._errors import InputError
from unhat.distributed._futures import Futures, dask
from unhat.distributed._plan import name_of
from unhat.distributed._ray import Ray
from unhat.distributed._spark import Spark
from unhat.distributed._work import answer_of


def adapted(engine, retries):
    """The adapter of an engine, known by what it can do."""
    if hasattr(engine, "createDataFrame"):
        return Spark(engine, retries)
    if hasattr(engine, "get_executor") and hasattr(engine, "scatter"):
        return dask(engine, retries)
    if hasattr(engine, "remote") and hasattr(engine, "wait") and hasattr(engine, "put"):
        return Ray(engine, retries)
    if hasattr(engine, "submit") or callable(engine):
        return Futures(engine, retries)
    raise InputError(
        f"engine: found {type(engine).__name__}, expected a SparkSession, the module ray, a Dask client, an executor or a function "
        "that makes an executor"
    )


class Kept:
    """What the core calls with the jobs of a sweep: answers that are there are taken, the others are worked for."""

    def __init__(self, adapter, plan, work_dir, progress):
        self._adapter, self._plan, self._progress = adapter, plan, progress
        self._folder = None if work_dir is None else pathlib.Path(work_dir) / name_of(plan)
        self.rounds = self.worked = self.found = 0
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, jobs):
        """The answers to the jobs, in their order."""
        self.rounds += 1
        keys = [f"{self.rounds:04}-{hashlib.sha256(job).hexdigest()[:32]}" for job in jobs]
        answers = {key: answer for key in keys if (answer := self._read(key)) is not None}
        self.found += len(answers)

        def done(key, sent):
            answer = answer_of(sent)
            if key in answers:
                return
            self._write(key, answer)
            answers[key] = answer
            self.worked += 1
            if self._progress:
                self._progress("unit", {"round": self.rounds, "done": len(answers), "of": len(keys)})

        left = {key: job for key, job in zip(keys, jobs, strict=True) if key not in answers}
        if left:
            self._adapter.run(self._plan, left, done)
        return [answers[key] for key in keys]

    def _read(self, key):
        if self._folder is None:
            return None
        try:
            held = (self._folder / f"{key}.part").read_bytes()
        except OSError:
            return None
        return held[32:] if hashlib.sha256(held[32:]).digest() == held[:32] else None

    def _write(self, key, answer):
        if self._folder is None:
            return
        beside = self._folder / f".{key}.{os.getpid()}"
        beside.write_bytes(hashlib.sha256(answer).digest() + answer)
        os.replace(beside, self._folder / f"{key}.part")

    def clear(self):
        """Remove the answers of a computation that has come to its end."""
        if self._folder:
            for part in self._folder.glob("*.part"):
                part.unlink(missing_ok=True)
            self._folder.rmdir()
