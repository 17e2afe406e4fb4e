"""Readers: files of each layout become a `Dataset`.

`pickles` finds the layout of a pickle and gives it to `split_pickles` or `dialogue_pickles`. `csd` reads folders of
CMU-MultimodalSDK. `described` reads arrays and tables with a description. All of them end with `assemble`.
"""
