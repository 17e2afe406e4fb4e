"""Folders of .csd files, as CMU-MultimodalSDK writes them.

Read `folder` first; others call only its `read`. `sequence` reads a file, `labels` makes samples of the labels,
`streams` cuts features into samples, `align` has the rules of time, `folds` reads the splits, `names` names modalities.
"""
