"""ONNX networks: run in torch, with gradients, where every operator is known here; else by onnxruntime, without."""
