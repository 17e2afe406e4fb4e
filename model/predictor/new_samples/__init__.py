"""New samples for a model: no labels, splits or groups are needed.

Read `read` first. It finds the reader by the name of the file, and `new_samples` fits what was read to the model.
`tables` reads rows some at a time (`columns` says which of its columns are which modality), `arrays` reads .npz files.
"""
