"""Rows of scores that were done, kept in a file so that an interrupted run goes on behind them."""

import hashlib
import os
import pathlib
import time
import zipfile

import numpy as np
import torch

from unhat._errors import InputError
from unhat.torch._passes import tensors_of

_SECONDS = 30.0


class KeptScores:
    """Done rows of one run, in a file that is written whole or not at all.

    The run is known by a digest of the weights, the options and the queries; its batches by a digest of their values, so
    that rows are never joined with those of another order.
    """

    def __init__(self, path, run):
        self._path = pathlib.Path(path)
        self._run = run
        self._seen = hashlib.blake2b(digest_size=16)
        self.done, self._batches = None, ""
        self._at, self._finished = 0, ""
        self._written = time.monotonic()
        if self._path.exists():
            self._read()

    def _read(self):
        try:
            with np.load(self._path, allow_pickle=False) as held:
                run, self._batches, self.done = str(held["run"]), str(held["batches"]), held["scores"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"resume: {self._path}: not the scores of an earlier run ({type(error).__name__})", "source") from error
        if run != self._run:
            raise InputError(
                f"resume: {self._path} is of another run: the weights, the options or the queries differ", "source",
                "name another file, or delete this one",
            )

    def skip(self, batch, samples):
        """Whether the scores of a batch are there already."""
        for tensor in tensors_of(batch):
            flat = tensor.detach().cpu().contiguous().flatten()
            self._seen.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            self._seen.update(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
        if self.done is None or self._at >= len(self.done):
            return False
        self._at += samples
        if self._at > len(self.done) or (self._at == len(self.done) and self._seen.hexdigest() != self._batches):
            raise InputError(
                f"resume: {self._path}: the first batches are not those of the run that was interrupted", "source",
                "give the same batches in the same order, or name another file",
            )
        return True

    def write(self, blocks, *, is_last=False):
        """Write what is done, now and then."""
        if not is_last:
            self._finished = self._seen.hexdigest()
        if not is_last and time.monotonic() - self._written < _SECONDS:
            return
        done = [] if self.done is None else [self.done]
        if not blocks:
            return
        if self.done is not None and self._at < len(self.done):
            return  # interrupted while skipping: the file says more
        partial = self._path.with_name(self._path.name + ".part")
        with partial.open("wb") as file:
            np.savez(file, run=self._run, batches=self._finished, scores=np.concatenate([*done, *blocks]))
        os.replace(partial, self._path)
        self._written = time.monotonic()
