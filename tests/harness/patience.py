"""Waiting for what will be true soon, instead of sleeping for as long as it might take."""

import time


def eventually(check, seconds=10, what="it"):
    """Calls check() until it returns something true, and returns that. AssertionErrors and refused connections of check()
    count as "not yet"; the last one is in the failure."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        last = None
        try:
            result = check()
            if result:
                return result
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s") from last
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
