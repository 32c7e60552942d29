"""The table of what people say, one phrasing a line.

`[x]` may be missing, `(x|y)` is a choice, a word in capitals stands for its line in VOCABULARY, and
`...` is what the command is about: the reader beside the phrasings makes the command of it, or
gives None and passes the line on. The first phrasing that fits all of a line wins.
"""

from collections.abc import Callable

from . import targets, titles
from .commands import (
    Add,
    ClearCompleted,
    Command,
    Complete,
    CompleteAll,
    Delete,
    DeleteAll,
    Greet,
    Help,
    Rename,
    Reopen,
    ReopenAll,
    Search,
    Show,
    Thank,
)

VOCABULARY = {
    "MY": "my|the|our",
    "TODO": "todo|to-do|to do|task|item|entry",
    "TODOS": "todos|to-dos|to dos|tasks|items|entries|things",
    "LIST": "list|todo list|to-do list|to do list|task list|shopping list|todos|to-dos|tasks",
    "SHOW": "show|list|display|view|see|print|give|tell|let me see|can i see|i want to see",
    "ALL": "all|everything|all of (them|it|MY TODOS)|all MY TODOS|all TODOS|every TODO",
    "OPEN": "open|pending|remaining|unfinished|outstanding|incomplete|undone|uncompleted",
    "DONE": "done|completed|complete|finished|ticked off|checked off",
    "DID": "did|done|finished|completed",
    "WHAT": "what is|what's|what are|what else is",
    "DELETE": "delete|remove|erase|discard|get rid of",
    "OFF": "check off|tick off|cross off|strike off",
    "MUST": "have to|need to|must|gotta|have got to",
}

Meaning = Command | Callable[[str], Command | None]

PHRASES: tuple[tuple[Meaning, str], ...] = (
    (
        Help(),
        """
        help [me] [out]
        commands
        what can (you do|i say|i do) [for me|here]
        what do you do
        how does (this|it) work
        how do i use (this|you)
        (who|what) are you
        """,
    ),
    (
        Greet(),
        """
        (hi|hello|hey|hiya|howdy) [there|again]
        good (morning|afternoon|evening)
        """,
    ),
    (
        Thank(),
        """
        (thanks|thx|ty|cheers) [a lot|again|so much|very much|a million]
        (thank you|many thanks) [again|so much|very much]
        """,
    ),
    (DeleteAll(confirmed=True), "delete all todos"),
    (
        ClearCompleted(),
        """
        (DELETE|clear|clean up|clear out) [all|everything] [of] [MY] DONE [TODOS|ones]
        (DELETE|clear|clean up) [all|everything] [TODOS] (that is|that's|that are|i have) DONE
        """,
    ),
    (
        DeleteAll(confirmed=False),
        """
        (DELETE|clear) ALL
        (DELETE|clear|empty|wipe) [MY] [whole|entire] (LIST|TODOS)
        """,
    ),
    (
        Show("open"),
        """
        (WHAT|[is] anything|is there anything) [still] (left|OPEN|to do|next) [to do] [on MY LIST] [today]
        (WHAT) [still] not DONE [yet]
        what do i [still] (have|need) to do [next|now|today]
        what [TODOS] do i [still] have (left|OPEN) [to do]
        what should i do (next|now|today)
        what (have i not|haven't i) DONE [yet]
        [SHOW|WHAT] [me] [all] [of] [MY] OPEN (TODOS|ones)
        do i [still] have (anything|something) [left] to do [today]
        [SHOW] [me] [MY] TODOS [that are] [still] (left|OPEN)
        (SHOW) [me] [what is|what's] (OPEN|left)
        (what|which) TODOS are [still] (left|OPEN|not DONE) [yet]
        """,
    ),
    (
        Show("done"),
        """
        [SHOW|WHAT] [me] [all] [of] [MY] DONE (TODOS|ones)
        (SHOW) [me] [what is|what's] DONE
        (SHOW) [me] [what|all|everything] (i|i have|i've) DID
        (what|which) (is|are) DONE [already]
        (what|which) TODOS (are|have i|did i) DONE [already]
        what (have i|did i) [already] (DID|do|finish|complete) [so far|today|already]
        """,
    ),
    (
        Show("all"),
        """
        (list|show) [me] [ALL]
        [SHOW] [me] [all] [of] [MY] (LIST|TODOS) [again|please]
        (WHAT) [all] [on|in] MY (LIST|TODOS)
        what do i have on MY LIST
        how does MY LIST look
        [do i have|are there|have i got] any TODOS
        how many TODOS (do i have|are there|are on MY LIST)
        """,
    ),
    (
        ReopenAll(),
        """
        (reopen|uncheck|untick) ALL
        mark ALL [as] (not DONE|OPEN)
        """,
    ),
    (
        CompleteAll(),
        """
        (complete|finish|OFF) ALL
        mark ALL [as] DONE
        """,
    ),
    (Add(()), "(add|new) [a|an] [new] [TODO]"),
    (Complete(()), "(complete|done|OFF|mark as DONE)"),
    (Reopen(()), "(reopen|undo)"),
    (Delete(()), "(delete|remove) [from MY LIST]"),
    (Rename(()), "rename"),
    (Search(""), "(find|search)"),
    (
        targets.reopen,
        """
        (reopen|re-open|uncheck|untick|unmark|undo) ...
        (mark|set) ... [as|to] (not DONE|OPEN)
        ... (is not|are not|isn't|aren't|is still not) DONE [yet]
        i (have not|haven't|did not|didn't) (DID|do|finish|complete) ... yet
        i (have not|haven't|did not|didn't) (DID|do|finish|complete) ...
        """,
    ),
    (
        targets.complete,
        """
        (OFF) ... [from|on] MY LIST
        (check|tick|cross|strike) ... off [MY LIST]
        (DONE|OFF) [with] ...
        (mark|set|flag) ... [as|to] DONE
        (i|i have|i've|we|we have|we've) [just|already|now] (DID|done with|finished with) ...
        (i'm|i am|we're|we are) [now|already] (done|finished) with ...
        ... (is|are) [now|already] DONE [now|already]
        """,
    ),
    (
        targets.complete_numbers,
        """
        (finish|check|tick|close) ...
        ... DONE
        """,
    ),
    (
        targets.rename("to|into|->|→"),
        """
        (rename|change|edit|update) [the] [title|name] [of] ...
        """,
    ),
    (targets.rename("with|by"), "replace ..."),
    (
        targets.search,
        """
        (find|search for|search|look for) ... (on|in) MY LIST
        (find|search for|search|look for) ...
        (is|are|do i have) ... (on|in) MY LIST
        (SHOW) [me] [all] [of] [MY] (TODOS) (with|about|containing|matching|like) ...
        """,
    ),
    (
        targets.delete,
        """
        (DELETE|take|scratch) ... (from|off|out of) MY LIST
        (DELETE) ...
        """,
    ),
    (
        titles.remind,
        """
        remind me [again] to ...
        (remember|don't forget|do not forget|don't let me forget) to ...
        (add|set|create|make|new) [me] [a|an] [new] reminder [to|for|about|that says] ...
        """,
    ),
    (
        titles.add_several,
        """
        (add|create|new) [me] [these|some|the following|a few|two|three|four|five] [new|more] TODOS ...
        (add|put) (these|the following) (to|on) MY LIST ...
        """,
    ),
    (titles.add_following, "(add|put) (these|the following|this) ..."),
    (
        titles.add_one,
        """
        (add|create|make|new) [me] [a|an|another|one] [new|more] TODO [called|named|to|that says] ...
        """,
    ),
    (titles.add_labelled, "(TODO|TODOS|reminder) ..."),
    (
        titles.add,
        """
        (add|put) (to|on) MY LIST ...
        (add|put|write) ... (to|on|onto|in) MY LIST
        (i need|i want|i would like|i'd like) to add ...
        add ...
        """,
    ),
    (
        titles.chore,
        """
        (i|we) [still|also|really] (MUST) ...
        (i've|we've) [still|also|really] got to ...
        """,
    ),
)
