"""What the format says, needed on the way in and on the way out: tables, dtypes, limits, texts."""
