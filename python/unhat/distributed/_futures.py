"""Jobs on executors: a process pool, Dask, MPI, or whatever else has ``submit``."""

from concurrent.futures import BrokenExecutor, as_completed

from unhat._errors import InputError
from unhat.distributed._work import work


class Futures:
    """An executor, or a function that makes one."""

    def __init__(self, engine, retries):
        self._make = engine if callable(engine) and not hasattr(engine, "submit") else None
        self._executor = self._make() if self._make else engine
        self._retries = retries

    def run(self, plan, jobs, done):
        """Call ``done(key, sent)`` with the answer to each job, as they come."""
        left, losses = dict(jobs), 0
        while left:
            try:
                futures = {self._executor.submit(work, plan, job): key for key, job in left.items()}
                for future in as_completed(futures):
                    sent = future.result()
                    done(futures[future], sent)
                    left.pop(futures[future])
            except BrokenExecutor as error:
                losses += 1
                if self._make is None or losses > self._retries:
                    raise InputError(f"engine: a worker died, {_what_to_do(self._make, losses)}", "source") from error
                self._executor = self._make()

    def close(self):
        """Give back what was made here."""
        if self._make:
            self._executor.shutdown(cancel_futures=True)


def _what_to_do(make, losses):
    if make is None:
        return "and this executor makes no new ones; give a function that makes an executor as engine"
    return f"{losses} times; give the workers more memory or fewer of them, or raise retries"


def dask(client, retries):
    """The executor of a Dask client: it runs the jobs of dead workers again by itself."""
    return Futures(client.get_executor(pure=False, retries=retries), retries)
