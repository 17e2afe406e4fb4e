"""The page of a search: `haemsa report` writes it as one file, and `haemsa watch` serves it while the search runs.

Read `report` first, then `parts`: a page is made of parts, and a live page replaces those that changed. The pictures
are interactive (plots/). Files of pictures, for MLflow and notebooks, are drawn in the room `figures`.
"""
