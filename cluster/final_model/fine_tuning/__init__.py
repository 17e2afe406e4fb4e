"""`haemsa train --finetune`: the text encoder of a stream is trained together with the final networks.

Read `fine_tune` first, then `verdict` (how many epochs, and whether it is worth it) and `work` (what a worker does).
"""
