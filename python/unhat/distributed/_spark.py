"""Jobs as rows of a DataFrame of Spark; through Spark Connect too, which has nothing else."""

from unhat.distributed._work import work


class Spark:
    """A SparkSession. Tasks of executors that die are run again as ``spark.task.maxFailures`` says."""

    def __init__(self, session, retries):
        self._session = session

    def run(self, plan, jobs, done):
        """Call ``done(key, sent)`` with the answer to each job; a partition holds one job."""

        def answers(batches):
            import pyarrow

            for batch in batches:
                keys, bodies = batch.column("key").to_pylist(), batch.column("job").to_pylist()
                sent = [work(plan, bytes(body)) for body in bodies]
                yield pyarrow.record_batch({"key": pyarrow.array(keys, pyarrow.string()), "answer": pyarrow.array(sent, pyarrow.binary())})

        rows = [(key, bytearray(job)) for key, job in jobs.items()]
        frame = self._session.createDataFrame(rows, "key string, job binary").repartition(len(rows))
        for row in frame.mapInArrow(answers, "key string, answer binary").collect():
            done(row["key"], bytes(row["answer"]))

    def close(self):
        """The session is not ours to end."""
