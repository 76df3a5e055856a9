"""Random numbers that are the same on every machine and in every version of NumPy.

NumPy keeps the bits of PCG64 as they are for ever, but not what its generators make of them; so
uniform and normal numbers are made of the bits here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from zlib import crc32

import numpy as np
from numpy.typing import NDArray


class Draws:
    """A stream of random numbers of its own for every key.

    Parameters
    ----------
    seed : int
        Seed of the data set.
    *key : int or str
        What the numbers are for, such as ``"person", 3``. Streams of different keys have nothing
        to do with each other, so that one part of a data set does not depend on another.

    Examples
    --------
    >>> Draws(0, "person", 1).uniform((2,)).round(6).tolist()
    [0.706659, 0.786802]
    """

    def __init__(self, seed: int, *key: int | str) -> None:
        words = [crc32(part.encode()) if isinstance(part, str) else part for part in key]
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, *words]))

    def uniform(self, shape: Sequence[int]) -> NDArray[np.float64]:
        """Draw evenly from (0, 1].

        Parameters
        ----------
        shape : sequence of int
            Shape of the result.

        Returns
        -------
        ndarray of this shape
            Multiples of 2**-53, never 0.
        """
        bits = self._bits.random_raw(prod(shape))
        whole = ((bits >> np.uint64(11)) + np.uint64(1)).astype(np.float64)
        return np.asarray(whole * 2.0**-53).reshape(shape)

    def complex_normal(self, shape: Sequence[int]) -> NDArray[np.complex128]:
        """Draw complex numbers whose two parts are standard normal (Box and Muller 1958).

        Parameters
        ----------
        shape : sequence of int
            Shape of the result.

        Returns
        -------
        ndarray of this shape
            sqrt(-2 ln u) exp(2 pi i v) of uniform u and v.
        """
        u, v = self.uniform((2, *shape))
        radius, angle = np.sqrt(-2.0 * np.log(u)), 2.0 * np.pi * v
        result = np.empty(shape, dtype=np.complex128)
        result.real, result.imag = radius * np.cos(angle), radius * np.sin(angle)
        return result

    def normal(self, shape: Sequence[int]) -> NDArray[np.float64]:
        """Draw standard normal numbers.

        Parameters
        ----------
        shape : sequence of int
            Shape of the result.

        Returns
        -------
        ndarray of this shape
            Both parts of complex draws, one after the other.
        """
        n = prod(shape)
        return self.complex_normal(((n + 1) // 2,)).view(np.float64)[:n].reshape(shape)

    def order(self, n: int) -> NDArray[np.intp]:
        """Draw an order of n things.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        ndarray, shape (n,)
            The numbers 0 to n - 1 in random order.
        """
        return np.argsort(self.uniform((n,)), kind="stable")
