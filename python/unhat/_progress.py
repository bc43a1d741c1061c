"""What a running call shows of its work."""

import contextlib
import sys


@contextlib.contextmanager
def shown(progress):
    """What the core is to call while it works; None where nothing was asked for."""
    if not progress:
        yield None
    elif callable(progress):
        yield progress
    else:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            yield _line
        else:
            with tqdm(unit=" steps") as bar:
                yield lambda kind, facts: _move(bar, kind, facts)


def _move(bar, kind, facts):
    if kind == "phase":
        bar.set_description(facts["name"])
    elif kind == "epoch":
        bar.total = facts["epochs"]
        bar.set_postfix(loss=f"{facts['loss']:.3e}", refresh=False)
        bar.update()
    elif kind == "evaluated":
        bar.total = facts["epochs"]
        bar.set_postfix(loss=f"{facts['train_loss']:.3e}", refresh=False)
        bar.update(facts["epoch"] - bar.n)
    else:
        bar.set_postfix(decrement=f"{facts['decrement']:.1e}", residual=f"{facts['residual']:.1e}", refresh=False)
        bar.update()


def _line(kind, facts):
    words = ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in facts.items())
    print(f"unhat: {facts['name'] if kind == 'phase' else words}", file=sys.stderr)
