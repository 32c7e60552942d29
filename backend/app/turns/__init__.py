"""A turn: a question, and the reply that the assistant writes to it.

Turns      opens, joins and stops turns; keeps track of those that this process runs
Writer     writes one reply: asks the assistant, flushes to the database, always ends the reply
Asking     reads the events of the writer's assistant, until they end or are cut off
Draft      collects what the writer has to store
Follower   follows a reply that another process writes, by polling its row
LiveReply  publishes a reply to its readers; its writer or follower never waits for a reader
"""

from .live import LiveReply as LiveReply
from .turns import Capacity as Capacity, Turn as Turn, Turns as Turns
from .writer import ReplyLimits as ReplyLimits
