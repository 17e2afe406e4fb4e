"""Tests of `haemsa train --finetune`, with encoders that have random weights."""
