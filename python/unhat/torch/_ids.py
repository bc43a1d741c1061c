"""Samples with the ids by which their coefficients are kept."""

from torch.utils.data import Dataset, IterableDataset

from unhat._errors import InputError


class WithIds(Dataset):
    """Yields (id, sample); the id of a sample is its place in the data set."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, place):
        return place, self.dataset[place]


def with_ids(dataset):
    """A data set that yields each sample with its id, for :class:`FNGD`.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Samples by place.

    Returns
    -------
    torch.utils.data.Dataset
        Its sample i is ``(i, dataset[i])``, so that a loader yields ``(ids, batch)``.

    Raises
    ------
    InputError
        For a data set without places.

    Examples
    --------
    >>> import torch
    >>> from unhat.torch import with_ids
    >>> data = torch.utils.data.TensorDataset(torch.tensor([10.0, 20.0, 30.0]))
    >>> ids, (x,) = next(iter(torch.utils.data.DataLoader(with_ids(data), batch_size=2)))
    >>> ids.tolist(), x.tolist()
    ([0, 1], [10.0, 20.0])
    """
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        raise InputError(f"dataset: found {type(dataset).__name__}, whose samples have no places to be known by")
    return WithIds(dataset)
