"""The tables. Alembic creates them (`alembic/`), and only repositories read and write them.

Row-level security, roles and grants are in the migrations, because SQLAlchemy cannot express them.
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

    A token is valid only as long as it has the account's `generation`.
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
    """A todo of a user, which the offline assistant manages."""

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
    """A conversation of one user. `updated_at` is the time of its last message, not of its last rename.

    While `deleted_at` is set, the conversation is treated as missing, until it is restored or purged. The
    search index has the words of its messages up to `indexed_seq`.
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

    A reply answers the message with the `seq` in `reply_to`, which is null if there is none before it. Its
    `request_hash` is the hash of the request's key, if it has one, followed by the id of the attempt that
    opened it. It is `streaming` until `lease_until` has passed or it has ended in one of the other states.
    Messages that were edited or regenerated are `replaced`: kept, but not shown. `parts` are those of the AI
    SDK, null for plain text; text of `content` beyond theirs is one more part at the end.
    """

    __table_args__ = (
        # Keeps every writer from putting a message of one user into another user's conversation.
        ForeignKeyConstraint(
            ["conversation_id", "user_id"],
            ["conversation.id", "conversation.user_id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("conversation_id", "seq"),
        # Only among messages that are not replaced: an edited message keeps its `client_id`.
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
        # For a search, which excludes the replaced messages from all hits at once.
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
    """The words of a message, or of a part of a long one. The search creates these rows itself.

    Row-level security shows only the rows that a query finds, and none without a query. Each word includes
    its owner, so that the index keeps each user's words together. `created_at` is the message's.
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
    """Marks a deleted user of an external issuer, so that tokens issued earlier do not recreate the account.

    The hash is the SHA-256 of `["issuer", "subject"]` as Postgres writes it. A trigger inserts the row.
    """

    __table_args__ = (Index(None, "subject_hash"),)

    id: int = Field(sa_column=_key())
    subject_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column=_moment("created_at"))


class Audit(SQLModel, table=True):
    """The audit log of accounts, which contains nothing that users wrote. The service can only append.

    `user_id` stays after the account is deleted. `network` is where the request came from, truncated to 24
    bits of an IPv4 address or 48 bits of an IPv6 address.
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
