"""Plain twins of preprocessing: filters, resampling and artefact marks as nested loops."""

import math

import numpy as np


def sections(sos, x):
    """Direct form I with the past equal to the steady state of the first sample."""
    signal = [float(v) for v in x]
    for b0, b1, b2, a0, a1, a2 in sos:
        gain = (b0 + b1 + b2) / (a0 + a1 + a2)
        x1 = x2 = signal[0]
        y1 = y2 = gain * signal[0]
        out = []
        for v in signal:
            y = (b0 * v + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2) / a0
            x1, x2, y1, y2 = v, x1, y, y1
            out.append(y)
        signal = out
    return np.array(signal)


def bessel_i0(x):
    total, term, k = 1.0, 1.0, 1
    while term > 1e-17 * total:
        term *= (x / 2 / k) ** 2
        total += term
        k += 1
    return total


def resample(x, up, down, design_db, share):
    """Windowed sinc at every output position; the ends of the signal are continued."""
    nyquist = 0.5 * min(1.0, up / down)
    width = (1 - share) * nyquist
    cutoff = nyquist - width / 2
    beta = 0.1102 * (design_db - 8.7)
    # Kaiser's length for a transition of `width` cycles per sample
    n_taps = math.ceil((design_db - 7.95) / 2.285 / (2 * math.pi * width) + 1)
    half = -(-n_taps // 2)
    out = []
    for k in range(-(-len(x) * up // down)):
        position = k * down / up
        total = weights = 0.0
        for i in range(math.floor(position) - half, math.floor(position) + half + 2):
            distance = position - i
            if abs(distance) > half:
                continue
            angle = 2 * math.pi * cutoff * distance
            sinc = 1.0 if distance == 0 else math.sin(angle) / angle
            weight = sinc * bessel_i0(beta * math.sqrt(1 - (distance / half) ** 2))
            total += weight * x[min(max(i, 0), len(x) - 1)]
            weights += weight
        out.append(total / weights)
    return np.array(out)


def equal_shares(x):
    """Shares of samples on plateaus (three or more at an extreme) and in dropouts (six or more)."""
    if max(x) == min(x):
        return 0.0, 0.0
    clipped = lost = 0
    start = 0
    while start < len(x):
        stop = start
        while stop < len(x) and x[stop] == x[start]:
            stop += 1
        extreme = x[start] in (min(x), max(x))
        if stop - start >= 6 and (x[start] == 0 or not extreme):
            lost += stop - start
        elif stop - start >= 3 and extreme:
            clipped += stop - start
        start = stop
    return clipped / len(x), lost / len(x)


def mains_share(x, sfreq, mains):
    n = len(x)
    mean = sum(x) / n
    windowed = [(v - mean) * (0.5 - 0.5 * math.cos(2 * math.pi * t / n)) for t, v in enumerate(x)]
    near = total = 0.0
    for k in range(n // 2 + 1):
        frequency = k * sfreq / n
        re = sum(v * math.cos(2 * math.pi * k * t / n) for t, v in enumerate(windowed))
        im = sum(v * math.sin(2 * math.pi * k * t / n) for t, v in enumerate(windowed))
        at_mains = abs(frequency - mains) <= max(1.0, 2 * sfreq / n) + 1e-9
        if at_mains or 1.0 <= frequency <= 95.0:
            total += re * re + im * im
            near += (re * re + im * im) * at_mains
    return near / total
