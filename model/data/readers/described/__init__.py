"""Arrays (.npz) and tables (CSV, Parquet) with a YAML file that describes them.

Read `read` first, then `description` (the YAML file), `npz` and `tables`. Used through `read`.
"""
