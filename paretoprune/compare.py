"""Is SMGD as good as the front, and one study as good as another, and for which price? No torch."""

import pandas as pd


def smgd_name(row: pd.Series) -> str:
    """How a variant of SMGD is called in tables and pictures; `row` is one of the table."""
    words = [f"SMGD {row['optimizer']}", f"{row['moments']} moments", f"{row['epochs']} epochs"]
    if row["normalize"] != "none":
        words.append(f"normalized by {row['normalize']}")
    if row["split"]:
        words.append("split")
    return ", ".join(words)
