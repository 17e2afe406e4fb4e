"""Files of every layout become a `Dataset`.

`pickles` finds out a pickle's layout and gives it to `split_pickles` or `dialogue_pickles`; `csd` reads folders of
CMU-MultimodalSDK, `described` arrays and tables with a description. `assemble` makes the data set in the end.
"""
