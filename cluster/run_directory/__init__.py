"""Everything that one search leaves on disk.

Read `run_directory` first, then `journal` (every candidate and its outcome), `weights` and `ranking` (who is best).
"""
