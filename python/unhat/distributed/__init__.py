"""Scores of tables in many files, by the processes of an engine: a process pool, Dask, Ray, Spark.

>>> import unhat.distributed
>>> scores = unhat.distributed.leverage_scores("data/*.parquet", engine=client)  # doctest: +SKIP

The rows are cut into units; a worker reads those of its unit from the files, and sends back what they add up to. The answers have
the bits that :func:`unhat.leverage_scores` has in one process, whoever did what, and however often.

Functions
    leverage_scores    the scores of all rows, written as Parquet beside one another or handed out
    work               what a worker calls; for engines that are not known here

An ``engine`` is a SparkSession, the module ``ray``, a Dask ``Client``, an executor of ``concurrent.futures`` or of
``mpi4py.futures``, or a function without arguments that makes an executor: that one is made again when a worker dies.
"""

from unhat.distributed._scores import DistributedScores, leverage_scores
from unhat.distributed._work import work

__all__ = ["DistributedScores", "leverage_scores", "work"]
