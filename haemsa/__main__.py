"""`python -m haemsa` is the command `haemsa`, also where the tree is only copied to and not installed."""

from __future__ import annotations

from haemsa.cluster.commands.main import main

if __name__ == "__main__":
    main()
