"""One printed figure."""


def rate(name, ours, peer, unit, note=""):
    """More is better."""
    return line(name, ours, peer, ours / peer if peer else 0, unit, note)


def time(name, ours, peer, unit, note=""):
    """Less is better. peer 0: there is none to compare with."""
    return line(name, ours, peer, peer / ours if ours else 0, unit, note)


def number(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def line(name, ours, peer, ratio, unit, note):
    text = f"bench {name} ours={number(ours)} peer={number(peer)} ratio={ratio:.2f} unit={unit}"
    return text + (f" ({note})" if note else "")
