"""The loss of each sample of a language model's batch."""

from torch.nn import functional

from unhat._errors import InputError


def lm_losses(logits, labels, reduce="mean", *, ignore_index=-100):
    """One loss for each sequence: the cross-entropy of every next token, over the sequence's own labels.

    A mean over the batch weights samples by how many labels the others have; this does not.

    Parameters
    ----------
    logits : torch.Tensor
        samples × positions × vocabulary; position t foretells label t + 1.
    labels : torch.Tensor
        samples × positions, as the model's input; `ignore_index` where nothing is foretold.
    reduce : {"mean", "sum"}
        Over the labels of a sequence. One without any label has loss 0.
    ignore_index : int
        The label that does not count.

    Returns
    -------
    torch.Tensor
        One loss for each sample, in nats.

    Raises
    ------
    InputError
        For shapes that do not belong together, or another `reduce`.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import lm_losses
    >>> labels = torch.tensor([[1, 2, 0], [1, -100, -100]])
    >>> lm_losses(torch.zeros(2, 3, 4), labels).tolist()
    [1.3862943649291992, 0.0]
    """
    if reduce not in ("mean", "sum"):
        raise InputError(f'reduce: found {reduce!r}, expected "mean" or "sum"')
    if logits.dim() != 3 or labels.shape != logits.shape[:2]:
        raise InputError(
            f"labels: found shape {tuple(labels.shape)} beside logits of {tuple(logits.shape)}, expected samples × positions "
            "beside samples × positions × vocabulary", "shape",
        )
    following = labels[:, 1:]
    each = functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), following.flatten(), reduction="none", ignore_index=ignore_index
    )
    each = each.view(following.shape).sum(1)
    return each if reduce == "sum" else each / (following != ignore_index).sum(1).clamp_min(1)
