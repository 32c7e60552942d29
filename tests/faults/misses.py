"""Broken builds of the product, and the line of the board that must miss its target on each."""

from faults.broken import Miss

UNSEEN = (
    ("db/connection.py", "return not self._readable.poll(0)", "return True"),
    (
        "db/connection.py",
        "            self.close()\n        else:\n",
        "            self._loop.remove_reader(self._socket)\n        else:\n",
    ),
)
"""An idle connection is used without a look at it."""

FORGOTTEN = (
    (
        "repositories/messages.py",
        'col(Message.client_id) == bindparam("client_id"), in_its_conversation())',
        'col(Message.client_id) == bindparam("client_id"), col(Message.id) < 0)',
    ),
)
"""A key is not looked up."""

UNKEPT = (
    ("repositories/turns.py", "    return hashed and hashed[: openings.KEY_BYTES]\n", "    return None\n"),
)
"""A reply is stored without the key of the request that asked for it."""

PINS = "../../alembic/versions/2026-11-21_pins_and_undo.py"

MISSES = (
    Miss(
        "a commit is acknowledged before it is on the disk",
        "D-03",
        6,
        "assert findings.faults == {} | conversation_not_found",
        (
            (
                "db/identity.py",
                '"TimeZone": "UTC",',
                '"TimeZone": "UTC", "synchronous_commit": "off",',
            ),
        ),
    ),
    Miss("an idle connection is used unseen", "P-01", 6, "database_unavailable", UNSEEN),
    Miss("an idle connection is used unseen, over TLS", "P-01-TLS", 6, "database_unavailable", UNSEEN),
    Miss(
        "a full pool is a fault of the server",
        "P-03b",
        1,
        "500 ",
        (("db/pool.py", "raise DatabaseBusy from None", "raise RuntimeError from None"),),
    ),
    Miss(
        "a silent database is waited for as long as it is silent",
        "P-04",
        1,
        "no answer in 20 s",
        (
            (
                "db/database.py",
                "seconds=self._statement_timeout + 0.5",
                "seconds=self._statement_timeout + 20",
            ),
            ("db/pool.py", "min(left, self._connect_seconds)", "self._connect_seconds + 20"),
        ),
    ),
    Miss(
        "who has waited for a connection waits as long again for it to open",
        "P-04",
        1,
        "somebody waited twice",
        (("db/pool.py", "min(left, self._connect_seconds)", "self._connect_seconds"),),
    ),
    Miss(
        "the event loop waits for the database",
        "P-09",
        1,
        "ReadTimeout",
        (
            ("db/connection.py", "import psycopg2\n", "import psycopg2\nimport psycopg2.extras\n"),
            (
                "db/connection.py",
                "            self._advance()\n            await self._answer\n",
                "            psycopg2.extras.wait_select(self._raw)\n",
            ),
        ),
    ),
    Miss(
        "a Postgres that takes no connection is a fault of the server",
        "P-07",
        1,
        "500 ",
        (("db/connection.py", "except (psycopg2.Error, OSError) as error:", "except OSError as error:"),),
    ),
    Miss(
        "a full disk is a fault of the server",
        "P-06",
        1,
        "internal_error",
        (("db/database.py", '"42P01", "53", ', '"42P01", '),),
    ),
    Miss(
        "who gives up leaves the answer for the next",
        "A-11",
        400,
        "assert reader.mark in text",
        (
            ("db/connection.py", "import psycopg2\n", "import psycopg2\nimport psycopg2.extras\n"),
            (
                "db/connection.py",
                "            self.close()\n            raise\n        finally:",
                "            psycopg2.extras.wait_select(self._raw)\n"
                "            self._left = cursor.fetchall()\n"
                "            raise\n        finally:",
            ),
            (
                "db/connection.py",
                "            cursor = self._raw.cursor()\n",
                "            if left := self.__dict__.pop('_left', None):\n"
                "                return left\n"
                "            cursor = self._raw.cursor()\n",
            ),
        ),
    ),
    Miss(
        "a text that is no cursor is a fault of the server",
        "H-fz",
        500,
        "not_a_server_error",
        (("api/pages.py", "except (ValueError, binascii.Error, struct.error):", "except MemoryError:"),),
    ),
    Miss(
        "NUL goes through to the database",
        "H-all",
        1,
        "internal_error",
        (("models/text.py", 'if "\\0" in value:', 'if "\\0" in value[1_000:]:'),),
    ),
    Miss(
        "a text is normalized, and is another one when it is read",
        "H-all",
        1,
        "came back as",
        (
            ("models/text.py", "import sys\n", "import sys\nimport unicodedata\n"),
            (
                "models/text.py",
                "        return value\n\n    def __get_pydantic_core_schema__",
                '        return unicodedata.normalize("NFC", value)\n\n    def __get_pydantic_core_schema__',
            ),
        ),
    ),
    Miss(
        "a key is not looked up",
        "H-st",
        600,
        '== (422, "client_id_reused") | == (201, known.id) | again.json() == answer.json()',
        FORGOTTEN,
    ),
    Miss("a key is not looked up", "I-01", 8, "database_busy", FORGOTTEN),
    Miss("a key is not looked up", "N-01", 60, "503, and the database was there", FORGOTTEN),
    Miss(
        "the key of another try is not kept",
        "N-01",
        200,
        "in stored] == self.messages | the assistant was not asked once",
        UNKEPT,
    ),
    Miss("the key of another try is not kept", "I-01", 14, "/regenerate: ", UNKEPT),
    Miss(
        "what a key was used for is not compared",
        "I-05/06",
        1,
        '== (422, "client_id_reused")',
        (
            (
                "repositories/messages.py",
                "if found is not None and bytes(found) != wanted:",
                "if found is not None and not found:",
            ),
        ),
    ),
    Miss(
        "a key counts in all conversations of its user",
        "I-05/06",
        1,
        "assert status in (200, 201), made",
        (
            (
                "repositories/messages.py",
                '*SHOWN, col(Message.client_id) == bindparam("client_id"), in_its_conversation())',
                'owned(Message), col(Message.client_id) == bindparam("client_id"))',
            ),
        ),
    ),
    Miss(
        "a key counts for all users: neither the statement nor a policy asks whose it is",
        "I-05/06",
        1,
        "assert status in (200, 201), made",
        (
            (
                "repositories/conversations.py",
                '.where(owned(Conversation), col(Conversation.client_id) == bindparam("client_id"))\n'
                '    .cte("earlier")',
                '.where(col(Conversation.client_id) == bindparam("client_id"))\n    .cte("earlier")',
            ),
            ("db/identity.py", '    "role": ROLE,\n', ""),
        ),
    ),
    Miss(
        "whose a running reply is nobody asks: neither the statement nor a policy",
        "A-01..08",
        1,
        " noticed: ",
        (
            ("repositories/replies.py", ".where(owned(Message), STREAMING, ", ".where(STREAMING, "),
            ("db/identity.py", '    "role": ROLE,\n', ""),
        ),
    ),
    Miss(
        "a signature is not looked at",
        "J-01",
        200,
        "AssertionError: another secret",
        (
            (
                "tokens.py",
                "jws.verify(token, key.jose, NAMES[key.algorithm])",
                "jws.get_unverified_claims(token)",
            ),
        ),
    ),
    Miss(
        "a token may name any algorithm",
        "J-01",
        1,
        "AssertionError: alg ",
        (
            ("tokens.py", "key.jose, NAMES[key.algorithm])", "key.jose, None)"),
            ("tokens.py", 'raise _Refused("alg is not accepted")', 'return Header("HS256", None)'),
        ),
    ),
    Miss(
        "what ends tokens is not asked for",
        "J-06",
        3,
        "the other process answers 200",
        (
            (
                "repositories/base.py",
                "Identity(user_id=user.user_id, generation=user.generation)",
                "Identity(user_id=user.user_id)",
            ),
        ),
    ),
    Miss(
        "the words of a question come with its answer",
        "D-02",
        4,
        '== ("user", question)',
        (("repositories/openings.py", 'content=bindparam("content")', 'content=literal("")'),),
    ),
    Miss(
        "a reply that was cut off is whole",
        "S-10..14",
        1,
        "'status': 'complete'",
        (
            (
                "assistants/endpoint.py",
                '            log.warning("model.answer_cut")\n            raise _Passing(ModelFailed())\n',
                '            log.warning("model.answer_cut")\n',
            ),
        ),
    ),
    Miss(
        "locks are taken in another order, and who loses is not tried again",
        "O-02",
        100,
        "assert statuses[503]",
        (
            (
                "repositories/deletion.py",
                "_LOCK = select(col(Conversation.id)).where(*THIS_CONVERSATION).with_for_update()",
                "_LOCK = select(col(Message.id)).where("
                'col(Message.conversation_id) == bindparam("conversation_id")).with_for_update()',
            ),
            ("db/database.py", "if last or failed.sqlstate not in (*_SERIALIZATION, TOO_LATE):", "if True:"),
        ),
    ),
    Miss(
        "a page goes on behind a moment, whatever else is of it",
        "O-03/04",
        1,
        "assert [one for one in seen",
        (
            (
                "api/pages.py",
                "_EPOCH + numbers[1] * _MICROSECOND, numbers[2]",
                "_EPOCH + numbers[1] * _MICROSECOND, 0",
            ),
        ),
    ),
    Miss(
        "a shutdown does not wait for the writers",
        "S-04",
        3,
        "assert found.faults == {} | are not stored | did not come to their end",
        (
            (
                "turns/turns.py",
                "        self._deadline = self._deadline or loop.time() + grace\n",
                "        self._deadline = self._deadline or loop.time() + grace\n        return\n",
            ),
            # Else it depends on who reads: streams that are waited for end whole.
            ("server.py", "LAST_ANSWERS_SECONDS = 5", "LAST_ANSWERS_SECONDS = 0"),
        ),
    ),
    Miss(
        "a shutdown hangs up on whoever reads",
        "S-04",
        5,
        "assert found.faults == {} | answers that did not come to their end",
        (
            (
                "server.py",
                "        await self._services.turns.close(self._services.settings.shutdown_grace)\n",
                "",
            ),
            ("server.py", "LAST_ANSWERS_SECONDS = 5", "LAST_ANSWERS_SECONDS = 0"),
        ),
    ),
    Miss(
        "a body may be as large as it likes",
        "B-01",
        1,
        "HTTP/1.1 413 ",
        (
            ("api/strict.py", "if announced.isdecimal() and int(announced[:20]) > limit:", "if False:"),
            ("api/strict.py", "if received > limit:", "if False:"),
        ),
    ),
    Miss(
        "a body is refused when all of it is there",
        "B-01",
        1,
        "MB more for bodies of at most",
        (("api/strict.py", "if received > limit:", "if received > limit and not more:"),),
    ),
    Miss(
        "a column is not exported",
        "G-01",
        1,
        "assert not_exported(database, user) == []",
        (("repositories/export.py", "    col(Conversation.deleted_at),\n", ""),),
    ),
    Miss(
        "what is asked is logged",
        "G-02",
        1,
        "assert left == []",
        (
            (
                "turns/writer.py",
                "        keeping = asyncio.create_task(self._keep())\n",
                '        log.info("asked", extra={"question": prompt.messages[-1].content})\n'
                "        keeping = asyncio.create_task(self._keep())\n",
            ),
        ),
    ),
    Miss(
        "a migration holds a table for longer than a request waits",
        "M-02",
        1_000,
        "assert load.failed == []",
        (
            (
                PINS,
                "        op.execute(KNOWN_FEEDBACK)\n",
                '        op.execute("DO $$ BEGIN LOCK message; PERFORM pg_sleep(8); END $$")\n'
                "        op.execute(KNOWN_FEEDBACK)\n",
            ),
        ),
    ),
    Miss(
        "a column goes that the code of before still writes",
        "M-04",
        1,
        "timings",
        (
            (
                PINS,
                "        op.execute(KNOWN_FEEDBACK)\n",
                '        op.execute(KNOWN_FEEDBACK)\n        op.drop_column("message", "timings")\n',
            ),
        ),
    ),
    Miss(
        "nobody waits for who migrates",
        "M-01",
        2,
        "one did not wait for the lock",
        (("../../alembic/env.py", "while not connection.scalar(", "while False and not connection.scalar("),),
    ),
    Miss(
        "a time-out is an option of the connection, which no pooler takes",
        "P-05",
        1,
        "assert run.returncode == 0",
        (
            (
                "db/database.py",
                '"client_encoding": "utf8",',
                '"client_encoding": "utf8", "options": "-c statement_timeout=5000",',
            ),
        ),
    ),
)
