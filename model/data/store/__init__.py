"""The HDF5 store of haemsa, which is streamed where it is large. Exported: `read` and `write`."""

from haemsa.model.data.store.file import read, write

__all__ = ["read", "write"]
