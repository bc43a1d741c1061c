"""Tables in files: how they are written, missing cells, and messages in Python's words."""

import numpy as np
import pytest

import unhat
from unhat import TableFile

# Every table here is recognised in some way, which is said.
pytestmark = pytest.mark.filterwarnings("ignore::unhat.UnhatWarning")

EUROPE = "a;b;y\n1,5;2;1\n2,5;;0\n0,5;4;1\n1;1;0\n3;0,25;1\n"
KEPT = np.array([[1.5, 2.0, 1.0], [0.5, 4.0, 1.0], [1.0, 1.0, 0.0], [3.0, 0.25, 1.0]])


@pytest.fixture
def europe(tmp_path):
    path = tmp_path / "europe.csv"
    path.write_text(EUROPE)
    return path


def test_a_missing_cell_is_refused_in_the_words_of_python(europe):
    with pytest.raises(unhat.InputError, match='row 2.*missing="omit" leaves such rows out') as caught:
        unhat.leverage_scores(europe)
    assert "--" not in str(caught.value) and "unhat.TableFile(path" in caught.value.help
    with pytest.raises(unhat.InputError, match='missing="omit".*missing="indicator" keeps them'):
        unhat.train(europe, response="y", model="linear")
    with pytest.raises(unhat.InputError, match="missing: found .drop., expected one of error, omit"):
        unhat.leverage_scores(TableFile(europe, missing="drop"))
    with pytest.raises(unhat.InputError, match="missing: found .exclude., which is for files that are written"):
        unhat.leverage_scores(TableFile(europe, missing="exclude"))


def test_rows_with_missing_cells_are_left_out_and_counted(europe):
    table = TableFile(europe, missing="omit")
    with pytest.warns(unhat.UnhatWarning, match="1 of 5 rows left out for missing cells"):
        scores = unhat.leverage_scores(table)
    np.testing.assert_array_equal(scores, unhat.leverage_scores(KEPT))
    x = [0.1, 0.2]
    expected = unhat.leverage_gradient(KEPT[:, :2], KEPT[:, 2] + 5, x)
    for offset in (KEPT[:, 2] + 5, [6.0, 5.0, 6.0, 5.0, 6.0]):  # of the rows that are left, or of all rows of the file
        with pytest.warns(unhat.UnhatWarning):
            found = unhat.leverage_gradient(TableFile(europe, missing="omit"), offset, x, columns=["a", "b"])
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(unhat.InputError, match="rows: counts the rows of the file"):
        unhat.invert_scores(table, None, [0.5], rows=[0], response="y")


def test_positions_are_those_of_the_file(tmp_path):
    path = tmp_path / "doses.csv"
    rows = [f"{dose},{'yes' if dose > 10 else 'no'}" for dose in range(20)]
    rows[1], rows[5] = ",no", "NA,no"
    path.write_text("\n".join(["dose,works", *rows]))
    found = unhat.influence(TableFile(path, missing="omit"), response="works", model="logistic", method="loss")
    assert sorted(found.positions) == [k for k in range(20) if k not in (1, 5)]
    assert [int(row) for row in found.rows] == [position + 1 for position in found.positions]
    assert any("2 of 20 rows left out" in warning for warning in found.warnings)
    with pytest.raises(unhat.InputError, match="row 2, column"):
        unhat.influence(path, response="works", model="logistic", method="loss")
    kept = unhat.train(TableFile(path, missing="indicator"), response="works", model="logistic", epochs=2)
    assert len(kept.predict(TableFile(path, missing="indicator")).values) == 20
    assert len(kept.predict(TableFile(path, missing="omit")).values) == 18


def test_delimiters_headers_and_marks_are_told(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id|a|b\nx|1.234,5|-9\ny|2,5|4\nz|3|1\n")
    given = dict(delimiter="|", decimal=",", thousands=".", header=True, row_names="id")
    np.testing.assert_array_equal(
        unhat.leverage_scores(TableFile(path, **given)), unhat.leverage_scores([[1234.5, -9.0], [2.5, 4.0], [3.0, 1.0]])
    )
    with pytest.warns(unhat.UnhatWarning, match="1 of 3 rows"):
        found = unhat.leverage_scores(TableFile(path, na="-9", missing="omit", **given))
    np.testing.assert_array_equal(found, unhat.leverage_scores([[2.5, 4.0], [3.0, 1.0]]))
    path.write_text("1,2\n3,4\n5,7\n")
    assert len(unhat.leverage_scores(TableFile(path, header=False))) == 3
    assert repr(TableFile("a.csv", decimal=",")) == "TableFile('a.csv', decimal=',', missing='error')"


def test_vectors_have_decimal_commas_too(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("1,5\n2,25\n3,75\n")
    A = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 3.0]])
    found = unhat.leverage_scores(A, offset=TableFile(path, decimal=","), point=[0.5, 0.25])
    np.testing.assert_array_equal(found, unhat.leverage_scores(A, offset=[1.5, 2.25, 3.75], point=[0.5, 0.25]))
    with pytest.raises(unhat.InputError, match='decimal="," says so'):
        unhat.leverage_scores(A, offset=path, point=[0.5, 0.25])


def test_a_column_with_a_word_a_row_is_no_feature(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("\n".join(["who,x,y", *(f"person {k},{k},{k % 2}" for k in range(12))]))
    with pytest.raises(unhat.InputError, match="who.*would be a feature of its own"):
        unhat.influence(path, response="y", model="linear")


def test_a_polytope_is_no_table(tmp_path):
    path = tmp_path / "square.ine"
    path.write_text("H-representation\nbegin\n4 3 integer\n1 1 0\n1 -1 0\n1 0 1\n1 0 -1\nend\n")
    with pytest.raises(unhat.InputError, match="TableFile: says how a table is written"):
        unhat.volumetric_center(TableFile(path))
