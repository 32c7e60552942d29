"""What clients tried, what they were promised, what they were shown; and what the database made of it."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from faults.chat import Seen
from faults.script import Script

FLUSHED_WITHIN = 3.0
"""Seconds of shown text that a kill may lose, at the very most, as the documents say."""

Message = dict[str, Any]


@dataclass
class Sent:
    """One message that a client tried to send, with one key, however often."""

    key: str
    conversation: int
    content: str
    script: Script | None
    """What must be answered; None if it is only appended."""
    number: int
    promised: set[tuple[int, int]] = field(default_factory=set)
    """Id and `seq` as the acknowledgements named them."""
    replies: set[int] = field(default_factory=set)
    """Ids of the reply as they were named."""
    shown: list[Seen] = field(default_factory=list)
    finished: bool = False
    """The reply was said to be complete."""

    def acknowledge(self, message: Message) -> None:
        """An answer named the stored message."""
        self.promised.add((message["id"], message["seq"]))

    def saw(self, seen: Seen) -> None:
        """A stream was read; its first event may have been the acknowledgement."""
        self.shown.append(seen)
        self.finished |= seen.ending == "finish"
        if seen.reply_id is not None:
            self.replies.add(seen.reply_id)
            if seen.question is not None:
                self.acknowledge(seen.question)


@dataclass
class Findings:
    """Counts. Those under `must be 0` are faults of the service."""

    attempted: int = 0
    acknowledged: int = 0
    recovered: int = 0
    """Stored, though no answer said so: legal, and a proof that the faults hit the interesting moment."""
    replies: int = 0
    complete: int = 0
    interrupted: int = 0
    stopped: int = 0
    seconds_lost: float = 0
    """Of shown text, in the worst interrupted reply."""
    # must be 0
    lost: int = 0
    unexpected: int = 0
    duplicated: int = 0
    changed: int = 0
    disordered: int = 0
    gaps: int = 0
    stuck: int = 0
    unanswered: int = 0
    unfinished: int = 0
    """Replies that were said to be complete, and are not."""
    asked_twice: int = 0
    wrong_text: int = 0
    unshown_text: int = 0
    stale: int = 0
    refused: int = 0

    HARMLESS = 8

    @property
    def faults(self) -> dict[str, int]:
        """What must be 0 and is not."""
        wrong = {name: count for name, count in list(asdict(self).items())[self.HARMLESS :] if count}
        if self.seconds_lost > FLUSHED_WITHIN:
            wrong["seconds_lost"] = round(self.seconds_lost, 2)
        return wrong

    def table(self) -> str:
        """All of it, a line each."""
        return "\n".join(f"{name:>14}  {value:.6g}" for name, value in asdict(self).items())


class History:
    """Everything that the clients of one run did."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self.findings = Findings()

    @property
    def acknowledged(self) -> int:
        """How many messages were acknowledged so far."""
        return sum(1 for sent in self.sent.values() if sent.promised)

    def attempt(self, conversation: int, key: str, script: Script | None = None) -> Sent:
        """A client is about to send a message for the first time."""
        content = script.question if script is not None else f"note {key}"
        sent = self.sent[key] = Sent(key, conversation, content, script, len(self.sent))
        return sent

    def check(self, stored: dict[int, list[Message]], calls: list[str]) -> Findings:
        """Compares with all messages of all conversations, and with the keys the assistant was asked for."""
        found = self.findings
        found.attempted, found.acknowledged = len(self.sent), self.acknowledged
        for messages in stored.values():
            self._check_order(messages)
        questions: dict[str, list[Message]] = {}
        answers = {
            (conversation, message["seq"]): message
            for conversation, messages in stored.items()
            for message in messages
        }
        for messages in stored.values():
            for message in messages:
                if message["role"] == "user":
                    questions.setdefault(message["client_id"], []).append(message)
        found.unexpected += len(questions.keys() - self.sent.keys())
        asked = Counter(calls)
        found.asked_twice += sum(1 for count in asked.values() if count > 1)
        for sent in self.sent.values():
            self._check_sent(sent, questions.get(sent.key, []), answers)
        return found

    def _check_order(self, messages: list[Message]) -> None:
        numbers = [message["seq"] for message in messages]
        self.findings.disordered += numbers != sorted(numbers)
        self.findings.gaps += sorted(set(numbers)) != list(range(1, len(set(numbers)) + 1))
        self.findings.duplicated += len(numbers) - len(set(numbers))
        sent = [self.sent[message["client_id"]] for message in messages if message["client_id"] in self.sent]
        # A client sends one after the other into a conversation: the order of its attempts is their order.
        self.findings.disordered += [one.number for one in sent] != sorted(one.number for one in sent)

    def _check_sent(
        self, sent: Sent, stored: list[Message], messages: dict[tuple[int, int], Message]
    ) -> None:
        found = self.findings
        found.duplicated += max(0, len(stored) - 1)
        if not stored:
            found.lost += bool(sent.promised or sent.replies)
            return
        found.recovered += not sent.promised
        found.changed += len(sent.replies) > 1
        found.changed += bool(sent.promised - {(stored[0]["id"], stored[0]["seq"])})
        found.changed += stored[0]["content"] != sent.content
        found.changed += stored[0]["conversation_id"] != sent.conversation
        if sent.script is not None:
            reply = messages.get((sent.conversation, stored[0]["seq"] + 1))
            if reply is None or reply["role"] != "assistant":
                found.unanswered += 1
            else:
                found.changed += bool(sent.replies - {reply["id"]})
                self._check_reply(sent, sent.script, reply)

    def _check_reply(self, sent: Sent, script: Script, reply: Message) -> None:
        found, text = self.findings, reply["content"]
        found.replies += 1
        found.unfinished += sent.finished and reply["status"] != "complete"
        match reply["status"]:
            case "complete":
                found.complete += 1
                found.wrong_text += text != script.text
            case "interrupted":
                found.interrupted += 1
            case "stopped":
                found.stopped += 1
                found.unshown_text += any(not text.startswith(seen.text) for seen in sent.shown)
            case "streaming":
                found.stuck += 1
            case _:
                found.unanswered += 1
        found.wrong_text += not script.text.startswith(text)
        found.unshown_text += any(not script.text.startswith(seen.text) for seen in sent.shown)
        for seen in sent.shown:
            found.seconds_lost = max(found.seconds_lost, seconds_lost(seen, text))


def seconds_lost(seen: Seen, stored: str) -> float:
    """For how long a reader was shown text that is not stored."""
    kept = [at for at, characters in seen.times if characters <= len(stored)]
    if len(kept) == len(seen.times):
        return 0
    begin = kept[-1] if kept else seen.times[0][0]
    return seen.times[-1][0] - begin
