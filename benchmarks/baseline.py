"""The plain NumPy loop: a two-layer relu network with softmax, as one writes it in a first course.

It is what everything here is measured against; nothing in it is clever on purpose.
"""

import numpy as np

from handgrad.arrays import Array


class PlainLoop:
    """Full-batch gradient descent on a D-H-C network; y is one-hot (B, C)."""

    def __init__(self, W1: Array, b1: Array, W2: Array, b2: Array) -> None:
        self.W1, self.b1, self.W2, self.b2 = W1.copy(), b1.copy(), W2.copy(), b2.copy()

    def forward(self, X: Array) -> Array:
        """Class probabilities (B, C); keeps what backward needs."""
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = np.maximum(0, self.Z1)
        Z2 = self.A1 @ self.W2 + self.b2
        E = np.exp(Z2 - np.max(Z2, axis=1, keepdims=True))
        self.P = E / np.sum(E, axis=1, keepdims=True)
        return self.P

    def step(self, X: Array, y: Array, learning_rate: float) -> float:
        """One step on the whole set; the loss before it."""
        rows = len(X)
        P = self.forward(X)
        loss = float(np.mean(-np.log(P[range(rows), y.argmax(axis=1)])))
        dZ2 = P - y
        dW2 = self.A1.T @ dZ2 / rows
        db2 = np.sum(dZ2, axis=0, keepdims=True) / rows
        dZ1 = (dZ2 @ self.W2.T) * (self.Z1 > 0).astype(float)
        dW1 = X.T @ dZ1 / rows
        db1 = np.sum(dZ1, axis=0, keepdims=True) / rows
        self.W1 -= learning_rate * dW1
        self.b1 -= learning_rate * db1
        self.W2 -= learning_rate * dW2
        self.b2 -= learning_rate * db2
        return loss
