"""The best network at work on held-out samples: what it uses, what it loses without a modality, and where it errs.

Read `held_out` first, then `observed`. These are numbers; a page makes pictures and tables of them.
"""
