"""Which way of multiplying is fastest, by shape alone: measured crossovers, kept in one place."""

ONE_ROW, LOOPS, PRODUCT = range(3)

SHORT = 600  # a product of fan_in and fan_out up to which hand loops beat BLAS
FEW = 16  # rows, below which BLAS is faster on the transposed product Zᵀ = Aᵀ W
SOME = 64  # rows, below which it is faster when it is given dZ transposed


def way(fan_in: int, fan_out: int, rows: int) -> int:
    """How a dense layer of that shape is multiplied."""
    if rows == 1:
        return ONE_ROW
    return LOOPS if fan_in * fan_out <= SHORT else PRODUCT
