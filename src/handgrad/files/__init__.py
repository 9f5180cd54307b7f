"""Networks to and from disk: one safetensors file, the flat vectors as tensors and everything else as JSON.

A file holds numbers and names, never code: built-in rules are looked up by name, and a rule of your own is passed to
`load` as the record that it is. Sizes are compared before anything is allocated, and a digest of all content tells
damage from data. Equal networks give equal files, byte for byte.

    tensors   params and state, (P,) or (S, P); for a stack also seed (S,) and l2 (S,)
    metadata  one entry, `network`: a JSON object with format, schema, layers, loss, ..., sha256
"""

from handgrad.files.files import load, save

__all__ = ["load", "save"]
