"""The best network at work on held-out samples: what it uses, what it loses without a modality, where it errs."""
