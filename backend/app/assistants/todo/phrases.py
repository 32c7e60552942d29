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
    Rename,
    Reopen,
    ReopenAll,
    Search,
    Show,
    Tell,
)
from .manners import MANNERS

VOCABULARY = {
    "MY": "my|the|our|this|that",
    "TASK": "todo|to-do|to do|task|item|entry",
    "TASKS": "todos|to-dos|to dos|tasks|items|entries|things|stuff",
    "LIST": "[todo|to-do|to do|task|shopping|grocery] list|groceries|todos|to-dos|tasks",
    "SHOW": "show|list|display|view|LOOK|print|give|gimme|tell|let me see|(can|could|may) (i|we) see",
    "LOOK": "see|read|check|open",
    "ALL": "all|everything|all of (them|it|MY TASKS)|all MY TASKS|all TASKS|every TASK",
    "OPEN": "open|pending|remaining|unfinished|outstanding|incomplete|undone|uncompleted",
    "DONE": "done|completed|complete|finished|ticked off|checked off",
    "DID": "did|done|finished|completed",
    "WHAT": "what is|what's|what are|what else is",
    "DELETE": "delete|remove|erase|discard|get rid of",
    "OFF": "check off|tick off|cross off|strike off",
    "MUST": "have to|need to|must|gotta|got to|hafta|have got to",
}

Meaning = Command | Callable[[str], Command | None]

PHRASES: tuple[tuple[Meaning, str], ...] = (
    *((Tell(topic), manner.said) for topic, manner in MANNERS.items()),
    (
        Greet(),
        """
        (hi|hello|hey|hiya|howdy|yo|sup|heya|hullo|greetings) [there|again|you|everyone]
        good (morning|afternoon|evening|day)
        [hi|hello|hey|yo] ((WHAT) up|wassup|how are you|(how's|how is) it going) [doing] [today]
        """,
    ),
    (DeleteAll(confirmed=True), "delete all todos"),
    (
        ClearCompleted(),
        """
        (DELETE|clear|clean up|clear out) [all|everything] [of] [MY] DONE [TASKS|ones]
        (DELETE|clear|clean up) [all|everything] [TASKS] (that is|that's|that are|i have) DONE
        """,
    ),
    (
        DeleteAll(confirmed=False),
        """
        (DELETE|clear|wipe) ALL
        (DELETE|clear) (it|them) all
        (start over|reset) [everything|MY LIST]
        (DELETE|clear|empty|wipe) [MY] [whole|entire] (LIST)
        (DELETE|clear|empty|wipe) MY TASKS
        """,
    ),
    (
        Show("open"),
        """
        (WHAT|[is] anything|is there anything) [still] (left|OPEN|to do|next) [to do] [on MY LIST] [today]
        (WHAT) [still] not DONE [yet]
        what do i [still] (have|need) to do [next|now|today]
        what [TASKS] do i [still] have (left|OPEN) [to do]
        what should i do (next|now|today)
        what (else|am i missing|are we missing)
        [is there] anything (else|next|i have to do|i MUST do|i should do)
        (how (many|much)) [TASKS] (are|is|do i have|have i) (left|OPEN) [to do]
        how (many|much) left
        [show] [me] what [else] (do|did) (i|we) [still] MUST (do|buy|get) [next|now|today]
        [show] [me] what (i|we) [still] MUST (do|buy|get) [next|now|today]
        what (have i not|haven't i) DONE [yet]
        [SHOW|WHAT] [me] [all] [of] [MY] OPEN (TASKS|ones)
        do i [still] have (anything|something) [left] to do [today]
        [SHOW] [me] [MY] TASKS [that are] [still] (left|OPEN)
        (SHOW) [me] [what is|what's] (OPEN|left)
        (what|which) TASKS are [still] (left|OPEN|not DONE) [yet]
        """,
    ),
    (
        Show("done"),
        """
        [SHOW|WHAT] [me] [all] [of] [MY] DONE (TASKS|ones)
        (SHOW) [me] [what is|what's] DONE
        (SHOW) [me] [what|all|everything] (i|i have|i've) DID
        (what|which) (is|are) DONE [already]
        (what|which) TASKS (are|have i|did i) DONE [already]
        what (have i|did i) [already] (DID|do|finish|complete) [so far|today|already]
        """,
    ),
    (
        Show("all"),
        """
        (list|show) [me] [ALL]
        [SHOW] [me] [all] [of] [MY] (LIST|TASKS) [again|please]
        [SHOW] [me] [WHAT] [all] [on|in] MY (LIST|TASKS)
        (look at|go to|pull up|bring up|where is|where's) [MY] LIST
        what (have|do) i (got|have) [on MY LIST]
        what do i have on MY LIST
        how does MY LIST look
        [do i have|are there|have i got] any TASKS
        (what|which) (TASK|TASKS) (i|do i) have
        how many (TASK|TASKS) (i have|do i have|are there|are on MY LIST)
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
        (check|tick|cross|strike) ALL off [MY LIST]
        mark ALL [as] DONE
        """,
    ),
    (targets.complete_all, "(complete|finish|tick|done with|OFF) all ..."),
    (CompleteAll(number=2), "(complete|finish|tick|done with|OFF|done) both [of them|TASKS]"),
    (
        Add(()),
        "(add|new|i want to add) [a|an|another|some] [new|more] [TASK|TASKS|something] [to [MY] LIST]",
    ),
    (Complete(()), "(complete|done|OFF|mark as DONE)"),
    (Reopen(()), "reopen"),
    (Delete(()), "(DELETE) [both|both of them] [from MY LIST]"),
    (Rename(()), "rename"),
    (Search(""), "(find|search)"),
    (
        targets.search,
        """
        (is|are) ... [already] (DONE|OPEN) [yet|already]
        (did|have) (i|we) [already] (DID|do|finish|complete|add|added|put|write down|buy|bought) ...
        """,
    ),
    (
        targets.reopen,
        """
        (reopen|re-open|uncheck|untick|unmark|undo|restore|bring back) ...
        (mark|set) ... [as|to] (not DONE|OPEN)
        not DONE [yet] [with] ...
        (i'm|i am|we're|we are) not [yet] (done|finished) with ...
        ... (is not|are not|isn't|aren't|is still not) DONE [yet]
        ... not DONE [yet]
        i (have not|haven't|did not|didn't) (DID|do|finish|complete) ... yet
        i (have not|haven't|did not|didn't) (DID|do|finish|complete) ...
        """,
    ),
    (
        targets.complete,
        """
        (OFF) ... [from|on] MY LIST
        (check|tick|cross|strike) ... off [MY LIST]
        mark [off] [as] (DONE|off) ...
        cross out ...
        (DONE|OFF) [with] ...
        (mark|set|flag) ... [as|to] DONE
        """,
    ),
    (
        targets.completed,
        """
        [i|i have|i've|we|we have|we've] [just|already|now|finally] (done with|finished with|DID) ...
        (i|i have|we|we have) [just|already|now|finally] finish ...
        (i'm|i am|we're|we are) [now|already|finally] (done|finished) with ...
        ... (is|are) [now|already|finally] (DONE|finish) [now|already]
        """,
    ),
    (targets.complete_numbers, "(finish|tick|close) ..."),
    (targets.complete_digits, "check ..."),
    (
        targets.rename("to|into|->|→"),
        """
        (rename|change|edit|update) [the] [title|name] [of] ...
        """,
    ),
    (targets.rename("with|by"), "replace ..."),
    (targets.rename_unsaid, "(rename|edit) ..."),
    (
        targets.search,
        """
        (find|search for|search|look for|look up) [anything|something|everything|TASKS] (about|with) ...
        (do i have|is there|have i got) (anything|something|any TASKS) (about|with|for|on|from) ...
        [anything|WHAT TASKS|SHOW [me] (anything|something|everything)] about ...
        (find|search for|search|look for) ... (on|in) MY LIST
        (find|search for|search|look for) ...
        (is|are|do i have) ... (on|in) [MY] LIST
        (SHOW) [me] [all] [of] [MY] (TASKS) (with|about|containing|matching|like) ...
        """,
    ),
    (
        targets.delete,
        """
        (DELETE|take|scratch) ... (from|off|out of) [MY] LIST
        (DELETE|del|rm|scratch the) ...
        """,
    ),
    (targets.suggest_delete, "(scratch|drop|forget about|forget|cancel|ditch|trash|bin|toss|dump|lose) ..."),
    (
        titles.remind,
        """
        remind me [again] (to|about|of) ...
        (note to self) ...
        (remember|don't forget|do not forget|don't let me forget) to ...
        (add|set|create|make|new) [me] [a|an] [new] reminder [to|for|about|that says] ...
        """,
    ),
    (titles.remind_thing, "(remind me|remember|don't forget|do not forget|don't let me forget) [about] ..."),
    (
        titles.add_several,
        """
        (add|create|new) [me] [these|some|the following|a few|two|three|four|five] [new|more] TASKS ...
        (add|put) (these|the following) (to|on) MY LIST ...
        """,
    ),
    (titles.add_following, "(add|put) (these|the following|this) ..."),
    (
        titles.add_one,
        """
        (add|create|make|new) [me] [a|an|another|one] [new|more] TASK [called|named|to|that says] ...
        """,
    ),
    (titles.add_labelled, "(TASK|TASKS|reminder|note) ..."),
    (
        titles.add,
        """
        (add|put) (to|on) MY LIST ...
        (add|put|write|write down|stick|throw|chuck) ... (to|on|onto|in) MY LIST
        add ... (to|onto) [a] [todo|shopping|grocery|task] list
        (i need|i want|i would like|i'd like) [to] add ...
        add ...
        """,
    ),
    (
        titles.chore,
        """
        (i|we) [still|also|really] (MUST) ...
        (i've|we've) [still|also|really] got to ...
        [still|also|really] (MUST) ...
        """,
    ),
    (
        titles.suggest_add,
        """
        (i|we) [really|also|still] (want to|wanna|should|would like to) ...
        [i|we] [really|also|still] need [some|more] ...
        [i'm|i am|we're|we are] [all] out of ...
        """,
    ),
    (targets.completed_briefly, "... [already|now|finally] DONE [now|already]"),
    (titles.suggest_errand, "..."),
    (targets.told, "[i|i have|i've|we|we have|we've] [just|already|now|finally] ..."),
)
