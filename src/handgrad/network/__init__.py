"""Networks: layers and a loss over one flat parameter vector, for one network or a stack of them."""

from handgrad.network.network import Network
from handgrad.network.recording import Recording, record

__all__ = ["Network", "Recording", "record"]
