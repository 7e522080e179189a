"""Writes the digits of scikit-learn as two tables: 0 to 4, and 5 to 9.

python docs/examples/digits_in_two.py
"""

from pathlib import Path

from sklearn.datasets import load_digits

PIXELS, DIGITS = load_digits(return_X_y=True)
HEADER = ",".join([*(f"pixel_{number}" for number in range(64)), "digit"])

for name, chosen in (("low", DIGITS < 5), ("high", DIGITS >= 5)):
    lines = [
        ",".join(str(int(value)) for value in (*pixels, digit))
        for pixels, digit in zip(PIXELS[chosen], DIGITS[chosen], strict=True)
    ]
    Path(f"{name}.csv").write_text("\n".join([HEADER, *lines, ""]))
