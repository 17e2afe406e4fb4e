"""`haemsa show` and `report`: a search read back from its run directory. Read `show` and `page` first."""
