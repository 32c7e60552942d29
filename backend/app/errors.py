"""All errors that are raised on purpose.

* ChatError                     a refusal for the client: a status and a code that never change meaning
  + NotAuthenticated            401  not_authenticated
  + SignInFailed                401  sign_in_failed
  + BodyInvalid                 400  invalid_json
  + RequestUnreadable           400  request_unreadable
  + CursorInvalid               400  invalid_cursor
  + PasswordWrong               403  password_wrong
  + RegistrationClosed          403  registration_closed
  + ConfirmationWrong           403  confirmation_wrong
  + OriginRefused               403  origin_refused
  + NotFound                    404  not_found
    - ConversationNotFound      404  conversation_not_found
    - MessageNotFound           404  message_not_found
    - TodoNotFound              404  todo_not_found
  + ConversationDeleted         409  conversation_deleted
  + EmailTaken                  409  email_taken
  + TodoLimitReached            409  todo_limit_reached
  + TurnInProgress              409  turn_in_progress
  + NothingToAnswer             409  nothing_to_answer
  + BodyTooSlow                 408  body_too_slow
  + BodyTooLarge                413  body_too_large
  + TargetTooLong               414  target_too_long
  + MediaTypeUnsupported        415  unsupported_media_type
  + EncodingUnsupported         415  unsupported_encoding, with Accept-Encoding
  + ClientIdReused              422  client_id_reused
  + MessageUnreadable           422  message_unreadable
  + RateLimited                 429  rate_limited, with Retry-After
  + TooManyTurns                429  too_many_turns, with Retry-After
  + TooManyExports              429  too_many_exports, with Retry-After
  + HeadTooLarge                431  head_too_large
  + Unavailable                 503  unavailable, with Retry-After
    - DatabaseUnavailable       503  database_unavailable
    - DatabaseBusy              503  database_busy
    - IssuerUnavailable         503  issuer_unavailable
    - Overloaded                503  overloaded
    - ShuttingDown              503  shutting_down
    - TooManyConnections        503  too_many_connections
* SetupError                    a mistake in the set-up: its message tells the operator what to do

Malformed input raises FastAPI's own RequestValidationError: 422 `validation_failed`, with one code per field.
A fault of the assistant is not an error of the request: the message is stored, and the reply is `failed`.
"""

from typing import ClassVar


class ChatError(Exception):
    """A refusal that a client can handle: `status` and `code` are stable, `detail` is for people."""

    status: ClassVar[int]
    code: ClassVar[str]
    detail: ClassVar[str]
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, **members: object) -> None:
        """`members` are added to the problem that the client receives (RFC 9457, section 3.2)."""
        super().__init__()
        self.members = members


class NotAuthenticated(ChatError):
    """The token is missing or invalid. The response does not say in which way."""

    status = 401
    code = "not_authenticated"
    detail = "A valid bearer token is needed."
    headers: ClassVar = {"WWW-Authenticate": "Bearer"}


class SignInFailed(ChatError):
    status = 401
    code = "sign_in_failed"
    detail = "The e-mail address or the password is wrong."
    headers: ClassVar = {"WWW-Authenticate": "Bearer"}


class BodyInvalid(ChatError):
    status = 400
    code = "invalid_json"
    detail = "The body is not valid JSON in UTF-8, or repeats a key, or nests too deep."


class RequestUnreadable(ChatError):
    status = 400
    code = "request_unreadable"
    detail = "This is not an HTTP/1.1 request as RFC 9112 defines it."


class CursorInvalid(ChatError):
    status = 400
    code = "invalid_cursor"
    detail = "The cursor was not made by this list. Start again without one."


class PasswordWrong(ChatError):
    """Not 401: the token is valid, and a client must not discard it."""

    status = 403
    code = "password_wrong"
    detail = "The current password is wrong."


class RegistrationClosed(ChatError):
    status = 403
    code = "registration_closed"
    detail = "Accounts are made by whoever runs this service."


class ConfirmationWrong(ChatError):
    status = 403
    code = "confirmation_wrong"
    detail = "The confirmation is not the account's password or, with an external issuer, its subject."


class OriginRefused(ChatError):
    status = 403
    code = "origin_refused"
    detail = "Pages of another site sign in here only if CORS_ORIGINS names their origin."


class NotFound(ChatError):
    status = 404
    code = "not_found"
    detail = "There is nothing at this address."


class ConversationNotFound(NotFound):
    """The conversation does not exist, or it is another user's: the response is the same."""

    code = "conversation_not_found"
    detail = "There is no such conversation."


class MessageNotFound(NotFound):
    code = "message_not_found"
    detail = "There is no such message in the conversation."


class TodoNotFound(NotFound):
    code = "todo_not_found"
    detail = "There is no such todo."


class ConversationDeleted(ChatError):
    """The user deleted the conversation that the client names: it is neither restored nor created again."""

    status = 409
    code = "conversation_deleted"
    detail = "The conversation with this client_id was deleted. Restore it, or choose another id."


class EmailTaken(ChatError):
    status = 409
    code = "email_taken"
    detail = "There is an account with this e-mail address already."


class TodoLimitReached(ChatError):
    status = 409
    code = "todo_limit_reached"
    detail = "The list is full. Delete or clear completed todos first."


class TurnInProgress(ChatError):
    status = 409
    code = "turn_in_progress"
    detail = "The assistant is still answering in this conversation."


class NothingToAnswer(ChatError):
    status = 409
    code = "nothing_to_answer"
    detail = "The conversation has no question to answer."


class BodyTooSlow(ChatError):
    status = 408
    code = "body_too_slow"
    detail = "The body did not arrive in time."
    headers: ClassVar = {"Connection": "close"}


class BodyTooLarge(ChatError):
    status = 413
    code = "body_too_large"
    detail = "The body is larger than this server accepts."


class TargetTooLong(ChatError):
    status = 414
    code = "target_too_long"
    detail = "The address with its query is longer than this server accepts."


class MediaTypeUnsupported(ChatError):
    status = 415
    code = "unsupported_media_type"
    detail = "Send the body as application/json; a form as application/x-www-form-urlencoded."


class EncodingUnsupported(ChatError):
    status = 415
    code = "unsupported_encoding"
    detail = "Send the body as it is, without a Content-Encoding."
    headers: ClassVar = {"Accept-Encoding": "identity"}


class ClientIdReused(ChatError):
    status = 422
    code = "client_id_reused"
    detail = "This client_id was used before, with other content."


class MessageUnreadable(ChatError):
    status = 422
    code = "message_unreadable"
    detail = "The last message must be the user's, with text parts only."


class RateLimited(ChatError):
    """The response's RateLimit header names the limit, and its Retry-After says how long to wait."""

    status = 429
    code = "rate_limited"
    detail = "Too many requests of this kind. Wait before the next one."
    headers: ClassVar = {"Retry-After": "60"}


class TooManyTurns(ChatError):
    status = 429
    code = "too_many_turns"
    detail = "The assistant is still answering you elsewhere. Wait for it, or stop it."
    headers: ClassVar = {"Retry-After": "2"}


class TooManyExports(ChatError):
    status = 429
    code = "too_many_exports"
    detail = "Another export of yours is being read. Wait for its end, or give it up."
    headers: ClassVar = {"Retry-After": "30"}


class HeadTooLarge(ChatError):
    status = 431
    code = "head_too_large"
    detail = "The headers are more, or longer, than this server accepts."


class Unavailable(ChatError):
    """Nothing is wrong with the request: it may succeed if it is repeated in a moment."""

    status = 503
    code = "unavailable"
    detail = "The service cannot answer at the moment. Try again."
    headers: ClassVar = {"Retry-After": "1"}


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    detail = "The database cannot be reached at the moment. Try again."

    def __init__(self, *, answer_lost: bool = False) -> None:
        """`answer_lost`: the connection broke between a write and its answer, so the write may be done."""
        super().__init__()
        self.answer_lost = answer_lost


class DatabaseBusy(Unavailable):
    code = "database_busy"
    detail = "Too many requests are waiting for the database. Try again."


class IssuerUnavailable(Unavailable):
    """No key of the token issuer is known, and the issuer does not answer."""

    code = "issuer_unavailable"
    detail = "The token issuer cannot be reached at the moment. Try again."
    headers: ClassVar = {"Retry-After": "5"}


class Overloaded(Unavailable):
    code = "overloaded"
    detail = "Too many replies are being written at the moment. Try again."
    headers: ClassVar = {"Retry-After": "2"}


class ShuttingDown(Unavailable):
    code = "shutting_down"
    detail = "This server is about to stop. Try again."


class TooManyConnections(Unavailable):
    code = "too_many_connections"
    detail = "This server has too many connections at the moment. Try again."


class SetupError(Exception):
    """A mistake in the set-up. Its message names the setting or the command that fixes it."""
