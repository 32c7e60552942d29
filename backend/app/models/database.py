"""The tables. Alembic makes them (`alembic/`), repositories read and write them, nothing else does.

Row-level security, roles and grants are in the migrations: SQLAlchemy has no words for them.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import CIDR, JSONB, TSVECTOR
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

MAX_ID = 2**63 - 1
"""The largest id that a bigint holds."""

MAX_CONTENT_BYTES = 1_048_576
MAX_TITLE_BYTES = 1_024
MAX_CLIENT_ID_BYTES = 256


def _key() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _moment(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _at_most(column: str, size: int) -> CheckConstraint:
    return CheckConstraint(f"octet_length({column}) <= {size}", name=f"{column}_size")


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class User(SQLModel, table=True):
    """An account of this service (email and password_hash), or of an external issuer (issuer and subject).

    A token works as long as it has the account's `generation`.
    """

    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("issuer", "subject"),
        CheckConstraint(
            "(email IS NULL) = (password_hash IS NULL) AND (issuer IS NULL) = (subject IS NULL)"
            " AND (email IS NULL) <> (issuer IS NULL)",
            name="local_or_external",
        ),
        _at_most("email", 1_024),
        _at_most("issuer", 1_024),
        _at_most("subject", 1_024),
    )

    id: int = Field(sa_column=_key())
    email: str | None = Field(default=None, sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    issuer: str | None = Field(default=None, sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    generation: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(sa_column=_moment("created_at"))


class Todo(SQLModel, table=True):
    """What the offline assistant manages."""

    __table_args__ = (
        _at_most("title", MAX_TITLE_BYTES),
        _at_most("description", 16_384),
        Index(None, "user_id", "id"),
    )

    id: int = Field(sa_column=_key())
    user_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("user.id", ondelete="CASCADE"), nullable=False)
    )
    title: str = Field(sa_type=Text)
    description: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    completed: bool = Field(sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = Field(sa_column=_moment("created_at"))
    updated_at: datetime = Field(sa_column=_moment("updated_at"))


class Conversation(SQLModel, table=True):
    """A line of messages of one user. `updated_at` is its last message, not its last rename.

    With `deleted_at` it is like one that does not exist, until it is restored or purged. The words of its
    messages up to `indexed_seq` are in the index.
    """

    __table_args__ = (
        UniqueConstraint("id", "user_id"),
        UniqueConstraint("user_id", "client_id"),
        CheckConstraint("next_seq >= 1", name="next_seq"),
        _one_of("title_source", "auto", "user"),
        _at_most("title", MAX_TITLE_BYTES),
        _at_most("client_id", MAX_CLIENT_ID_BYTES),
        Index("ix_conversation_activity", "user_id", text("updated_at DESC"), text("id DESC")),
        Index(
            "ix_conversation_list",
            "user_id",
            "archived",
            text("pinned DESC"),
            text("updated_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: int = Field(sa_column=_key())
    user_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("user.id", ondelete="CASCADE"), nullable=False)
    )
    client_id: str | None = Field(default=None, sa_type=Text)
    request_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    title: str | None = Field(default=None, sa_type=Text)
    title_source: str = Field(sa_type=Text, sa_column_kwargs={"server_default": "auto"})
    pinned: bool = Field(sa_column_kwargs={"server_default": text("false")})
    archived: bool = Field(sa_column_kwargs={"server_default": text("false")})
    deleted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    next_seq: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("1")})
    indexed_seq: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(sa_column=_moment("created_at"))
    updated_at: datetime = Field(sa_column=_moment("updated_at"))


class Message(SQLModel, table=True):
    """One message. `seq` counts from 1 without a gap within its conversation.

    A reply answers the message with the `seq` in `reply_to`, which is null if none stands before it; its
    `request_hash` names the attempt that opened it, behind the hash of the request's key if it has one. It is
    `streaming` until its `lease_until` is over or it has ended in one of the other states. What was edited or
    regenerated is `replaced`: kept, and not shown. `parts` are those of the AI SDK, null for plain text; what
    `content` has beyond their texts is the last one.
    """

    __table_args__ = (
        # No writer at all can put a message of one user into another's conversation.
        ForeignKeyConstraint(
            ["conversation_id", "user_id"],
            ["conversation.id", "conversation.user_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("conversation_id", "seq"),
        # An edited message keeps its id.
        Index(
            "uq_message_client_id",
            "conversation_id",
            "client_id",
            unique=True,
            postgresql_where=text("NOT replaced"),
        ),
        Index(
            "uq_message_open_reply",
            "conversation_id",
            unique=True,
            postgresql_where=text("status = 'streaming'"),
        ),
        # What a search has to leave out, among all hits at once.
        Index("ix_message_replaced", "user_id", "conversation_id", "seq", postgresql_where=text("replaced")),
        _one_of("role", "user", "assistant"),
        _one_of("status", "streaming", "complete", "stopped", "interrupted", "failed"),
        _one_of("feedback", "up", "down"),
        CheckConstraint("status <> 'streaming' OR lease_until IS NOT NULL", name="lease"),
        CheckConstraint("seq >= 1", name="seq"),
        _at_most("content", MAX_CONTENT_BYTES),
        _at_most("client_id", MAX_CLIENT_ID_BYTES),
    )

    id: int = Field(sa_column=_key())
    user_id: int = Field(sa_type=BigInteger)
    conversation_id: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    reply_to: int | None = Field(default=None, sa_type=BigInteger)
    replaced: bool = Field(sa_column_kwargs={"server_default": text("false")})
    client_id: str | None = Field(default=None, sa_type=Text)
    request_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    role: str = Field(sa_type=Text)
    content: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text, sa_column_kwargs={"server_default": "complete"})
    model: str | None = Field(default=None, sa_type=Text)
    finish_reason: str | None = Field(default=None, sa_type=Text)
    usage: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    timings: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    parts: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    lease_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    stop_requested: bool = Field(sa_column_kwargs={"server_default": text("false")})
    feedback: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_column=_moment("created_at"))


class MessageWords(SQLModel, table=True):
    """The words of a message, or of a part of a long one, for the search, which makes these rows itself.

    Row-level security shows of them what a query finds, and nothing without one. Each word has its owner in
    it: so the index is one of each user's words beside those of the others. `created_at` is the message's.
    """

    __tablename__ = "message_words"
    __table_args__ = (
        ForeignKeyConstraint(
            ["conversation_id", "user_id"],
            ["conversation.id", "conversation.user_id"],
            ondelete="CASCADE",
        ),
        Index(None, "document", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 512}),
    )

    conversation_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    part: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    user_id: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    document: str = Field(sa_column=Column(TSVECTOR, nullable=False))


class Departure(SQLModel, table=True):
    """That an issuer's user was deleted: the tokens they had by then make no account.

    The hash is SHA-256 of `["issuer", "subject"]` as Postgres writes it. A trigger makes the row.
    """

    __table_args__ = (Index(None, "subject_hash"),)

    id: int = Field(sa_column=_key())
    subject_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column=_moment("created_at"))


class Audit(SQLModel, table=True):
    """What was done to accounts, without a word of what anybody wrote. The service can only append.

    `user_id` stays when the account goes. `network` is where the request came from, cut to 24 bits of an
    IPv4 address and 48 of an IPv6 one.
    """

    __table_args__ = (
        CheckConstraint("event ~ '^[a-z_]{1,40}$'", name="event"),
        _one_of("actor", "user", "visitor", "operator"),
    )

    id: int = Field(sa_column=_key())
    event: str = Field(sa_type=Text)
    actor: str = Field(sa_type=Text)
    user_id: int | None = Field(default=None, sa_type=BigInteger)
    network: str | None = Field(default=None, sa_type=CIDR)
    created_at: datetime = Field(sa_column=_moment("created_at"))
