"""Writes tables of eight overlapping clouds: data.py FOLDER ROWS... makes FOLDER/clouds_ROWS.parquet."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd


def clouds(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(rows)
    group = random.integers(0, 8, rows)
    angle = group * np.pi / 4
    x = 3 * np.cos(angle) + random.normal(0, 0.6, rows)
    y = 3 * np.sin(angle) + random.normal(0, 0.9, rows)
    z = 0.5 * x - 0.2 * y + random.normal(0, 1, rows)
    # A tenth of the labels is wrong, so that the colours overlap.
    label = np.where(random.random(rows) < 0.1, random.integers(0, 8, rows), group)
    names = [f"class_{i}" for i in range(8)]
    return pd.DataFrame({"x": x, "y": y, "z": z, "cat": pd.Categorical.from_codes(label, names)})


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for rows in map(int, sys.argv[2:]):
        path = folder / f"clouds_{rows}.parquet"
        if not path.exists():
            clouds(rows).to_parquet(path, index=False)


if __name__ == "__main__":
    main()
