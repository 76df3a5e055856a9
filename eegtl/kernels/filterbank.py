"""A bank of band-pass filters and the sums of their outputs, in one pass over the samples.

A *lane* is one channel in one band. Lanes stand in tiles of `LANES` neighbours, and everything
a tile needs lies in one array with fixed distances between its rows. So the compiler sees that
the rows never overlap, turns the loop over lanes into vector instructions without a scalar
remainder, and keeps the states in registers for four samples before it stores them (with
AVX-512: two vectors a tile, 14 arithmetic instructions per vector and sample). Storing them
after every sample takes twice the time, and tiles of 8 lanes are not vectorised.

Each of the four sections has the numerator 1 - z^-2 (one zero at 0 Hz, one at the Nyquist
frequency), in transposed direct form II:
``y = x + z1;  z1 = z2 - a1 y;  z2 = -x - a2 y``. The gain of the band is left to the caller,
who multiplies sums by it once instead of every sample.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ._compile import kernel

#: Channels per tile; two vectors of eight doubles. The compiler needs it as a constant.
LANES = 16
#: Samples that are transposed at a time: 8 KiB, which stay in the first-level cache.
BLOCK = 64
#: Second-order sections per band.
SECTIONS = 4
#: Rows of a tile: z1, z2 of each section; a1, a2 of each section; sum; sum of squares.
ROWS = 4 * SECTIONS + 2

_A = 2 * SECTIONS * LANES
_SUM = 4 * SECTIONS * LANES
_SQUARES = _SUM + LANES


@kernel
def _section(x: float, z1: float, z2: float, a1: float, a2: float) -> tuple[float, float, float]:
    """One sample through one section: output and both new states."""
    y = x + z1
    return y, z2 - a1 * y, -x - a2 * y


@kernel
def _cascade(x: float, z: Any, a: Any) -> tuple[float, Any]:
    """One sample through the four sections; `z` and `a` are tuples of eight."""
    y, p0, q0 = _section(x, z[0], z[1], a[0], a[1])
    y, p1, q1 = _section(y, z[2], z[3], a[2], a[3])
    y, p2, q2 = _section(y, z[4], z[5], a[4], a[5])
    y, p3, q3 = _section(y, z[6], z[7], a[6], a[7])
    return y, (p0, q0, p1, q1, p2, q2, p3, q3)


@kernel
def _eight(tile: NDArray[Any], i: int) -> Any:
    """Eight rows of a tile at lane `i`."""
    return (
        tile[i],
        tile[LANES + i],
        tile[2 * LANES + i],
        tile[3 * LANES + i],
        tile[4 * LANES + i],
        tile[5 * LANES + i],
        tile[6 * LANES + i],
        tile[7 * LANES + i],
    )


@kernel
def _put_eight(tile: NDArray[Any], i: int, z: Any) -> None:
    """Store eight rows of a tile at lane `i`."""
    tile[i] = z[0]
    tile[LANES + i] = z[1]
    tile[2 * LANES + i] = z[2]
    tile[3 * LANES + i] = z[3]
    tile[4 * LANES + i] = z[4]
    tile[5 * LANES + i] = z[5]
    tile[6 * LANES + i] = z[6]
    tile[7 * LANES + i] = z[7]


@kernel
def _filter_tile(tile: NDArray[Any], rows: NDArray[Any], first: int, last: int) -> None:
    """Filter the samples first..last of the transposed block and add to the sums of the tile."""
    t = first
    while t + 4 <= last:
        x = rows[t * LANES : (t + 4) * LANES]
        for i in range(LANES):
            z, a = _eight(tile, i), _eight(tile, _A + i)
            total, squares = tile[_SUM + i], tile[_SQUARES + i]
            y, z = _cascade(x[i], z, a)
            total += y
            squares += y * y
            y, z = _cascade(x[LANES + i], z, a)
            total += y
            squares += y * y
            y, z = _cascade(x[2 * LANES + i], z, a)
            total += y
            squares += y * y
            y, z = _cascade(x[3 * LANES + i], z, a)
            total += y
            squares += y * y
            _put_eight(tile, i, z)
            tile[_SUM + i], tile[_SQUARES + i] = total, squares
        t += 4
    while t < last:
        x = rows[t * LANES : (t + 1) * LANES]
        for i in range(LANES):
            y, z = _cascade(x[i], _eight(tile, i), _eight(tile, _A + i))
            _put_eight(tile, i, z)
            tile[_SUM + i] += y
            tile[_SQUARES + i] += y * y
        t += 1


@kernel
def _transpose(
    data: NDArray[Any], channels: NDArray[Any], start: int, count: int, rows: NDArray[Any]
) -> None:
    """Lay `count` samples of the channels of a tile side by side, four channels at a time."""
    for i in range(0, LANES, 4):
        x0 = data[channels[i], start : start + count]
        x1 = data[channels[i + 1], start : start + count]
        x2 = data[channels[i + 2], start : start + count]
        x3 = data[channels[i + 3], start : start + count]
        for t in range(count):
            row = rows[t * LANES + i : t * LANES + i + 4]
            row[0] = x0[t]
            row[1] = x1[t]
            row[2] = x2[t]
            row[3] = x3[t]


@kernel
def filter_segments(
    data: NDArray[Any],
    start: int,
    stop: int,
    channels: NDArray[Any],
    tiles: NDArray[Any],
    rows: NDArray[Any],
    length: int,
    filled: int,
    sums: NDArray[Any],
    squares: NDArray[Any],
) -> int:
    """Filter samples start..stop of all channels in all bands and sum the outputs by segment.

    Parameters
    ----------
    data : ndarray of shape (n_channels, n_times), float64, C-contiguous
        The signal, in any unit; all samples start..stop are finite.
    start, stop : int
        Samples to take, in samples.
    channels : ndarray of shape (n_groups * LANES,), int64
        Row of `data` for each lane; the last group repeats a channel where it is not full.
    tiles : ndarray of shape (n_groups, n_bands, ROWS * LANES), float64
        Coefficients, states and running sums; states and sums are carried on in place.
    rows : ndarray of shape (BLOCK * LANES,), float64
        Working space.
    length : int
        Samples per segment.
    filled : int
        Samples already in the current segment, below `length`.
    sums, squares : ndarray of shape (n_segments, n_groups, n_bands, LANES), float64
        Out: sum and sum of squares of each completed segment, before the gain.
        At least (filled + stop - start) // length segments must fit.

    Returns
    -------
    int
        Number of segments completed.
    """
    n_groups, n_bands = tiles.shape[0], tiles.shape[1]
    for group in range(n_groups):
        mine = channels[group * LANES : (group + 1) * LANES]
        for block in range(start, stop, BLOCK):
            count = min(BLOCK, stop - block)
            _transpose(data, mine, block, count, rows)
            done = filled + block - start
            for band in range(n_bands):
                tile = tiles[group, band]
                t = 0
                while t < count:
                    segment = (done + t) // length
                    end = min(count, (segment + 1) * length - done)
                    _filter_tile(tile, rows, t, end)
                    if done + end == (segment + 1) * length:
                        sums[segment, group, band] = tile[_SUM:_SQUARES]
                        squares[segment, group, band] = tile[_SQUARES : _SQUARES + LANES]
                        tile[_SUM : _SQUARES + LANES] = 0.0
                    t = end
    return (filled + stop - start) // length
