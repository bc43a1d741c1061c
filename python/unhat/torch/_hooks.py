"""When a layer's forward is one that training goes through, and hooks that do not outlive their owner."""

import weakref

import torch


def is_trained_forward(module):
    """Gradients are recorded, and the module is in training mode."""
    return module.training and torch.is_grad_enabled()


def in_backward():
    """Whether this thread is inside a backward pass: a checkpointed layer runs its forward again there."""
    return torch._C._current_graph_task_id() != -1


class Hook:
    """Calls a method of an owner that it does not keep alive.

    A copy of the model, or a saved one, has a hook that does nothing: what runs there is not the owner's business.
    """

    def __init__(self, method, *arguments):
        self._method = weakref.WeakMethod(method)
        self._arguments = arguments

    def __call__(self, *arguments):
        method = self._method()
        if method is not None:
            method(*self._arguments, *arguments)

    def __reduce__(self):
        return Nothing, ()


class Nothing:
    """A hook that does nothing."""

    def __call__(self, *arguments):
        pass


def first_input(positional, named):
    """The input of a layer's forward, however it was passed."""
    return positional[0] if positional else named["input"]
