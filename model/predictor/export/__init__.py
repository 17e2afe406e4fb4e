"""A trained model in a file that runs without haemsa: for onnxruntime, or for torch.

Read `export` first, which others use. `plain_network` is the program that is written, from raw features to answers.
`onnx_file` and `torch_file` write it and run it, `check` compares its answers with the model's.
"""
