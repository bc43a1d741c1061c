from typing import Any, final

from numpy import float64
from numpy.typing import NDArray

_Vector = NDArray[float64]
_Matrix = NDArray[float64] | tuple[NDArray[Any], NDArray[Any], _Vector, int] | Table

__version__: str

@final
class Table:
    def __new__(
        cls, path: str, columns: list[str] | None = None, response: str | None = None, intercept: bool = False
    ) -> Table: ...
    @property
    def response(self) -> _Vector | None: ...
    @property
    def column_names(self) -> list[str] | None: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def shape(self) -> tuple[int, int]: ...

def main(arguments: list[str]) -> int: ...
def defaults() -> str: ...
def read_vector(path: str, what: str) -> _Vector: ...
def leverage_scores(
    matrix: _Matrix, cell: tuple[_Vector, _Vector] | None, ridge: float, strict: bool, threads: int | None
) -> tuple[_Vector, list[str]]: ...
def leverage_gradient(
    matrix: _Matrix, offset: _Vector, x: _Vector, threads: int | None
) -> tuple[_Vector, list[str]]: ...
def barrier(
    matrix: _Matrix, offset: _Vector, points: _Vector, what: str, direction: _Vector | None, threads: int | None
) -> _Vector: ...
def invert_gradient(
    command: str,
    matrix: _Matrix,
    offset: _Vector,
    target: _Vector,
    start: _Vector | None,
    signs: _Vector | None,
    weights: _Vector | None,
    options: dict[str, Any],
) -> str: ...
def invert_scores(
    matrix: _Matrix,
    offset: _Vector,
    target: _Vector,
    rows: list[int] | None,
    start: _Vector | None,
    signs: _Vector | None,
    options: dict[str, Any],
) -> str: ...
def audit(matrix: _Matrix, offset: _Vector, x: _Vector | None, options: dict[str, Any]) -> str: ...
def audit_page(findings: str) -> str: ...
def write_page(path: str, page: str) -> None: ...
def score_jvp(matrix: _Vector, direction: _Vector, ridge: float) -> _Vector: ...
def score_vjp(matrix: _Vector, weights: _Vector, ridge: float) -> _Vector: ...
def uniform(seed: int, stream: int, count: int) -> _Vector: ...
def layer_metric(
    batches: list[_Vector],
    gradient: _Vector,
    layer: int,
    rank: int,
    alpha: float,
    memory: float,
    rows: int,
    seed: int,
) -> tuple[_Vector, list[bool], float]: ...
def natural_coefficients(kernel: _Vector, damping: float, relative: bool) -> _Vector: ...
