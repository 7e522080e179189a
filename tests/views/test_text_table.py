"""Tables of text: a row is a line, whatever stands in its cells."""

from seedbed.views.text_table import lines


def test_a_line_end_in_a_cell_tears_no_table() -> None:
    told = lines([("name", ["a\nb", "c"]), ("note", ["x\ty", "1"])])
    assert told == ["name  note", "a b   x y", "c     1"]
