"""What people say to an assistant that is no work, and what it answers."""

from typing import NamedTuple

from .commands import Topic


class Manner(NamedTuple):
    said: str
    """Phrasings, as in `phrases`."""
    reply: str


MANNERS: dict[Topic, Manner] = {
    "help": Manner(
        """
        help [me] [out] [with (this|MY LIST)]
        i need [some|your] help
        (commands|instructions|options|menu)
        (WHAT) (MY|your|the) (commands|options)
        what can (you do|i say|i do|i ask [you]) [for me|here]
        what (do you do|do i do|can i say|now)
        how [does] (this|it) (work|works)
        how (do|can|to) [i] use (this|you|it)
        (who|what) are you
        are you (a bot|an ai|ai|real|human|there)
        (test|testing|ping)
        what do you (know|understand)
        (how|where) [i] (do|can|to) [i] (add|create|make) [a|an|my] [new] (TASK|TASKS|something)
        (how|where) [i] (do|can|to) [i] (complete|finish|tick off) [a|an|my] (TASK|TASKS|something)
        """,
        """\
I keep your todo list. You can say, for example:

- `add buy milk`, or several at once: `add milk, eggs and bread`
- `what is left`, `show my todos`, `show completed`, `find milk`
- `done 2`, `I finished the milk`, `complete 1 and 3`, `reopen 2`
- `rename 2 to buy oat milk`
- `delete 1-3`, `clear completed`

Several commands go on lines of their own. A todo goes by its number or by words of its title; \
quotes keep words together.""",
    ),
    "deletion": Manner(
        """
        (DELETE) [a|an|one|some|single] (TASK|TASKS|something|stuff|one)
        (clear|clean up)
        (how|where) [i] (do|can|to) [i] (DELETE) [a|an|one|some|my|the] (TASK|TASKS|something|stuff|one)
        can (i|we) (DELETE) [a|an|one|some|my] (TASK|TASKS|something|stuff|one)
        """,
        "`delete 2` deletes a todo by its number, `delete milk` by words of its title, and `clear completed`"
        " those that are done. Nothing brings a deleted todo back.",
    ),
    "undo": Manner(
        """
        (undo|revert|take back) [it|this|that|[the] [last] (change|command|action|delete|deletion)]
        (take (it|that) back|go back|scratch that)
        bring (it|that|them) back
        """,
        "I cannot take back the last change. `reopen 2` opens a completed todo again, `delete 2` deletes one"
        " that should not be there, and what was deleted has to be added again.",
    ),
    "several": Manner(
        "",
        "Is that one todo, or are those several commands? I changed nothing. Put each command on a line of"
        ' its own, or the title in quotes: `add "mix and match"`.',
    ),
    "answer": Manner(
        """
        (yes|yeah|yep|yup|ye|sure|of course|yes please|do it|go ahead|correct|exactly|i do|i did|y)
        (no|nope|nah|no way|n|no thanks|no thank you|not now|nothing)
        (cancel|stop|abort|never mind|nevermind|nvm|forget it|forget about it) [it|that]
        """,
        "I keep no question in mind, and I changed nothing. Please say the whole command: `done 2`, say.",
    ),
    "fine": Manner(
        """
        (ok|okay|k|kk|okey|alright|all right|fine) [then|cool|great]
        (cool|nice|great|good|perfect|awesome|got it|i see) [job|one]
        (lol|haha|hehe|wow|yay|hm|hmm|oh|oops|sorry|my bad|good bot|understood|👍|👌)
        """,
        "All right. Say `list` to see your todos.",
    ),
    "thanks": Manner(
        """
        (thanks|thx|ty|cheers|tysm|thank u) [a lot|again|so much|very much|a million|man|bro|mate]
        (thank you|many thanks) [again|so much|very much|a lot]
        """,
        "You are welcome!",
    ),
    "bye": Manner(
        """
        (bye|goodbye|good bye|bye bye|cya|later|good night|farewell) [then|for now|now]
        see (you|ya) [later|soon|then]
        (that is|that's|that will be|that'll be) (all|it) [for (now|today)]
        (i am|i'm) off
        """,
        "Goodbye! Your list stays as it is.",
    ),
}
