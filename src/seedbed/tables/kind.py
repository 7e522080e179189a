"""What the cells of a column are read as."""

from typing import Literal

Kind = Literal["number", "boolean", "category"]
