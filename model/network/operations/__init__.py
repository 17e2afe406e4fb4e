"""Operations on the tensors of many networks at once, with backwards that launch little and copy little.

Each file stands alone. Without gradients, an operation is a plain function of torch, so that it can be exported.
"""
