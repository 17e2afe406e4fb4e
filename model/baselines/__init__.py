"""The models that people use without a search: those of scikit-learn, and a network like MISA."""
