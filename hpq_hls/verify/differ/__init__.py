"""Where hardware and simulator part: the first kernel, as data flows, whose output differs."""
