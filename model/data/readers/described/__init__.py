"""Arrays (.npz) and tables (CSV, Parquet) with a YAML file that describes them.

Read `read` first, whose `read` others call, then `description` (the YAML file). `arrays` and `tables` are the two kinds
of sources, `targets` makes tasks of columns, `samples` counts damage. `npz`, `columns`, `csv_file` and
`lists` read the files.
"""
