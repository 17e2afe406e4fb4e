"""The HDF5 store of haemsa: `write` makes it, `read` reads it. Large features stay in it until they are needed."""

from haemsa.model.data.store.file import read, write

__all__ = ["read", "write"]
