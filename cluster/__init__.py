"""Runs a search: evaluators, the driver, records and the commands. Import what you need: nothing loads here."""
