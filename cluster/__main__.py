"""`python -m cluster` is the command `haemsa`, also where the tree is only copied to and not installed."""

from __future__ import annotations

from cluster.cli import main

if __name__ == "__main__":
    main()
