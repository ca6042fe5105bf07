"""The books: what the summary of a run counts, and whether it adds up."""
import re

SUMMARY = re.compile(r"^packets  .*", re.M | re.S)
COUNTER = re.compile(r"^  ([a-z]+\.[a-z_]+) +(\d+) ", re.M)


def told(text):
    """What was written to standard error: without the summary, which comes last; and its counters."""
    return SUMMARY.sub("", text), {name: int(n) for name, n in COUNTER.findall("".join(SUMMARY.findall(text)))}


def wrong(counters, queued=0, letters=None):
    """What does not add up, or "". `queued` and `letters` are what was found on disk afterwards.

    What was captured was decoded, or discarded for a reason that is counted. What was made was handed over, with the
    shipper's own documents; that, or what waited at the start, was delivered, refused, or lost for a reason that is
    counted, or is queued.
    """
    def sum_of(*names):
        return sum(n for name, n in counters.items() if name.startswith(names))

    frames, known = sum_of("frames.received"), sum_of("packets.decoded", "frames.fragment", "discard.")
    if frames != known:
        return f"{frames} frames captured, {known} decoded or discarded: {counters}"
    if sum_of("documents.made") > sum_of("queue.handed"):
        return f"{sum_of('documents.made')} documents made, {sum_of('queue.handed')} handed over: {counters}"
    made = sum_of("queue.handed", "queue.recovered")
    became = sum_of("documents.delivered", "documents.refused", "documents.abandoned", "queue.lost_")
    if made != became + queued:
        return f"{made} documents handed over or recovered, {became} delivered, refused or lost, {queued} queued: {counters}"
    if letters is not None and sum_of("documents.refused") != letters:
        return f"{letters} dead letters, {sum_of('documents.refused')} refused: {counters}"
    return ""
