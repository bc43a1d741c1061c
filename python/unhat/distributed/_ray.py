"""Jobs as tasks of Ray."""

from unhat.distributed._work import work


class Ray:
    """The module ``ray`` after ``ray.init``; tasks of workers that die are run again."""

    def __init__(self, ray, retries):
        self._ray = ray
        self._work = ray.remote(work).options(max_retries=retries, num_cpus=1)

    def run(self, plan, jobs, done):
        """Call ``done(key, sent)`` with the answer to each job, as they come."""
        plan = self._ray.put(plan)
        keys = {self._work.remote(plan, job): key for key, job in jobs.items()}
        waiting = list(keys)
        while waiting:
            ready, waiting = self._ray.wait(waiting, num_returns=1)
            for reference in ready:
                done(keys[reference], self._ray.get(reference))

    def close(self):
        """Ray is not ours to end."""
