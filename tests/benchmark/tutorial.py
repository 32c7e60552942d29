"""A chat's API as the tutorials of FastAPI and SQLModel write one: a peer, measured beside the service.

A synchronous session for each request, the current user read from the database, entities and a response
model, pages by offset, a commit and a refresh. Takes DATABASE_URL and SECRET_KEY from the environment.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer
from jose import JWTError, jwt
from sqlmodel import Field, Relationship, Session, SQLModel, col, create_engine, select

engine = create_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"), pool_pre_ping=True
)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")
app = FastAPI()


class User(SQLModel, table=True):
    __table_args__ = {"schema": "peer"}
    id: int | None = Field(default=None, primary_key=True)
    email: str
    conversations: list["Conversation"] = Relationship(back_populates="user")


class ConversationPublic(SQLModel):
    id: int
    title: str | None
    created_at: datetime
    updated_at: datetime


class Conversation(SQLModel, table=True):
    __table_args__ = {"schema": "peer"}
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="peer.user.id", index=True)
    title: str | None = None
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    user: User | None = Relationship(back_populates="conversations")
    messages: list["Message"] = Relationship(back_populates="conversation")


class MessageBase(SQLModel):
    role: str
    content: str


class Message(MessageBase, table=True):
    __table_args__ = {"schema": "peer"}
    id: int | None = Field(default=None, primary_key=True)
    conversation_id: int = Field(foreign_key="peer.conversation.id", index=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    conversation: Conversation | None = Relationship(back_populates="messages")


class MessagePublic(MessageBase):
    id: int
    conversation_id: int
    created_at: datetime


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def get_current_user(session: SessionDep, token: Annotated[str, Depends(oauth2_scheme)]) -> User:
    try:
        payload = jwt.decode(token, os.environ["SECRET_KEY"], algorithms=["HS256"])
    except JWTError as error:
        raise HTTPException(status_code=401, detail="Could not validate credentials") from error
    user = session.get(User, int(payload["sub"]))
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def _own(session: Session, user: User, conversation_id: int) -> Conversation:
    conversation = session.get(Conversation, conversation_id)
    if conversation is None or conversation.user_id != user.id:
        raise HTTPException(status_code=404, detail="Conversation not found")
    return conversation


@app.get("/conversations/", response_model=list[ConversationPublic])
def read_conversations(
    session: SessionDep, user: CurrentUser, offset: int = 0, limit: Annotated[int, Query(le=100)] = 20
) -> object:
    statement = select(Conversation).where(Conversation.user_id == user.id)
    newest = statement.order_by(col(Conversation.updated_at).desc(), col(Conversation.id).desc())
    return session.exec(newest.offset(offset).limit(limit)).all()


@app.get("/conversations/{conversation_id}/messages/", response_model=list[MessagePublic])
def read_messages(
    session: SessionDep,
    user: CurrentUser,
    conversation_id: int,
    offset: int = 0,
    limit: Annotated[int, Query(le=100)] = 50,
) -> object:
    conversation = _own(session, user, conversation_id)
    statement = select(Message).where(Message.conversation_id == conversation.id)
    return session.exec(statement.order_by(col(Message.id).desc()).offset(offset).limit(limit)).all()


@app.post("/conversations/{conversation_id}/messages/", response_model=MessagePublic)
def create_message(
    session: SessionDep, user: CurrentUser, conversation_id: int, message: MessageBase
) -> object:
    conversation = _own(session, user, conversation_id)
    stored = Message.model_validate(message, update={"conversation_id": conversation_id})
    conversation.updated_at = datetime.now(UTC)
    session.add(conversation)
    session.add(stored)
    session.commit()
    session.refresh(stored)
    return stored
