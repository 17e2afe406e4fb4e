"""`haemsa.MultimodalSearch`: a search and its final model as an estimator of scikit-learn.

Read `multimodal_search` first. `features` and `targets` read X and y, `prepared` makes a `Dataset` of them, and
`found` searches it and trains the best genome. `saved` is how an estimator is pickled.
"""
