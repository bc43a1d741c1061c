"""Taps on the layers of a model: the inputs and output gradients of every layer, batch by batch."""

import torch

from unhat._errors import InputError
from unhat.torch._hooks import Hook, in_backward, is_trained_forward


class Taps:
    """Keeps, for every forward of the model, what each layer saw and what came back to it.

    A batch is a call of the model; a layer that is called several times in it has the positions of all its calls.
    """

    def __init__(self, model, layers, *, training_only, started=None):
        self._layers = layers
        self._training_only = training_only
        self._started = started  # called before a new batch begins
        self.batches = []  # of each: {layer: [[inputs, gradient or None], …]}
        self._handles = [model.register_forward_pre_hook(Hook(self._start))]
        for k, layer in enumerate(layers):
            hook = Hook(self._tap, k)
            self._handles.append(layer.module.register_forward_hook(hook, with_kwargs=True))

    def close(self):
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def clear(self):
        """Forget all batches."""
        self.batches = []

    def clear_finished(self):
        """Forget the batches whose gradients have come; a forward may still wait for its backward."""
        self.batches = [b for b in self.batches if not any(d is not None for calls, _ in b.values() for _, d in calls)]

    def _is_watched(self, module):
        return is_trained_forward(module) if self._training_only else torch.is_grad_enabled()

    def _start(self, model, inputs):
        if self._is_watched(model) and not in_backward():
            if self._started is not None:
                self._started()
            self.batches.append({})

    def _tap(self, k, module, positional, named, output):
        if not self._is_watched(module) or not output.requires_grad:
            return
        if not self.batches:
            self.batches.append({})
        calls, is_first = self.batches[-1].setdefault(k, ([], not in_backward()))
        # The second run of a checkpointed layer; its gradient comes to the first, if that one recorded any.
        if in_backward() and is_first:
            return
        call = [(positional[0] if positional else named["input"]).detach(), None]
        calls.append(call)

        def arrived(gradient):
            call[1] = gradient if call[1] is None else call[1] + gradient

        output.register_hook(arrived)

    def factors(self, batch):
        """{layer: (A, D)} of a batch, samples × positions × d and × outputs, of the layers that the loss reached."""
        found = {}
        for k, (calls, _) in batch.items():
            layer = self._layers[k]
            layer.require_unchanged()
            reached = [(layer.samples(a), layer.gradients(d)) for a, d in calls if d is not None]
            if not reached:
                continue
            if len({len(a) for a, _ in reached}) > 1:
                raise InputError(
                    f"model: layer {layer.name!r} was called with different numbers of samples in one batch; "
                    "its gradients cannot be told apart by sample", "shape",
                )
            found[k] = torch.cat([a for a, _ in reached], 1), torch.cat([d for _, d in reached], 1)
        return found
