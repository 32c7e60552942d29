"""The automatic title of a conversation."""

MAX_CHARACTERS = 80


def title_from(text: str) -> str | None:
    """Returns the first line that is not blank, cut to MAX_CHARACTERS, between words if possible."""
    line = " ".join(next((line for line in text.splitlines() if line.strip()), "").split())
    if len(line) <= MAX_CHARACTERS:
        return line or None
    start = line[: MAX_CHARACTERS - 1]
    whole_words = start.rpartition(" ")[0]
    return (whole_words if len(whole_words) > MAX_CHARACTERS // 2 else start) + "…"
