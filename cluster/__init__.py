"""Everything around a search. Its two faces are `commands` (`haemsa ...`) and `api` (the same from Python).

Read `api` first, then `search`, `workers` and `run_directory`. `docs/architecture.md` shows how the rooms relate.
"""
