"""What people say when they do not mean a todo."""

import re

# Whoever speaks like this is talking, not naming a todo. A title that looks like it can be quoted.
_TALK = re.compile(
    r"""[?!`{}\n] | \w{4}[.:]\s
    | ^(?:this|that|these|those|it|they|them|he|she|we|me|us|him|nothing|something|anything
        |everything|everyone|someone|all|every|each|both(?!\ .+\ and\ )|what|who|how|why|when|where|which|if
        |whether|after|before|once|until|unless|while|not|never|almost|nearly|half|maybe|perhaps|hopefully
        |soon|later|tomorrow|is|are|was|were|out|there|here|now|so|well|with|like
        |the\ (?:web|internet|following|world))\b
    | \b(?:you|your|yours|yourself|i|i['\u2019]m|i['\u2019]ve|because|but|although|though
        |no\ wait|never\ ?mind|or\ not|just\ kidding)\b""",
    re.IGNORECASE | re.VERBOSE,
)


def is_talk(text: str) -> bool:
    """Whether this, unquoted, is more likely talk than the title of a todo."""
    return _TALK.search(text) is not None
