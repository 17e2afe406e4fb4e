"""A model of scores over genomes, which learns from every outcome while a search goes on.

Read `score_model` first (when it learns, and what it knows). Then read `score_forest` (the model) and `screening`
(which children are worth training).
"""
