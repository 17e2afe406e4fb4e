"""Models that people use without a search, to compare with: those of scikit-learn, and a network like MISA.

Read `classical` first; `misa_network` is the network. `plain` and `held_out` need no tuning by hand.
"""
