"""What users may do, noun by noun, each with what must come of it: the rules of `faults.machine`."""
