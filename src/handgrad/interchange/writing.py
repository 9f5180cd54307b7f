"""Every kind of export by its name."""

from pathlib import Path

from handgrad.network import Network

SUFFIXES = {"onnx": ".onnx", "torch": ".pt", "sklearn": ".joblib", "numpy": ".py"}


def write(net: Network, path: Path, to: str) -> None:
    """Write the network as one of the kinds in `SUFFIXES`; the library that a kind needs is loaded now."""
    if to == "onnx":
        from handgrad.interchange import to_onnx as write_it
    elif to == "torch":
        from handgrad.interchange.torch_out import save_torch as write_it
    elif to == "sklearn":
        from handgrad.interchange.sklearn_out import save_sklearn as write_it
    else:
        from handgrad.interchange import to_numpy as write_it
    write_it(net, path)
