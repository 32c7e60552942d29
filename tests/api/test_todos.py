"""The todos that the offline assistant manages."""

from concurrent.futures import ThreadPoolExecutor

from database_for_tests import held, waiting_for_locks
from support import Service, User, until


def test_a_todo_from_beginning_to_end(alice: User) -> None:
    made = alice.post("/api/todos", {"title": "Buy milk", "description": "Two litres"})
    assert made.status_code == 201
    path = made.headers["Location"]
    assert alice.get(path).json() == made.json()
    assert made.json()["completed"] is False
    changed = alice.patch(path, {"completed": True}).json()
    assert changed == {**made.json(), "completed": True, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made.json()["updated_at"]
    renamed = alice.patch(path, {"title": "Buy oat milk", "description": "", "completed": False}).json()
    assert (renamed["title"], renamed["description"], renamed["completed"]) == ("Buy oat milk", "", False)
    assert alice.get("/api/todos").json() == {"items": [renamed]}
    assert alice.delete(path).status_code == 204
    assert alice.delete(path).status_code == 404
    assert alice.get("/api/todos").json() == {"items": []}


def test_another_users_todo_does_not_exist(alice: User, bob: User) -> None:
    path = alice.post("/api/todos", {"title": "Mine"}).headers["Location"]
    for method, body in (("GET", None), ("PATCH", {"title": "Yours"}), ("DELETE", None)):
        refused = bob.client.request(method, path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (404, "todo_not_found")
    assert alice.get(path).json()["title"] == "Mine"
    assert bob.get("/api/todos").json() == {"items": []}


def test_a_list_has_an_end(alice: User, bob: User, service: Service) -> None:
    service.postgres.rows(
        "INSERT INTO todo (user_id, title) SELECT %s, n::text FROM generate_series(1, 999) n", alice.id
    )
    assert alice.post("/api/todos", {"title": "The thousandth"}).status_code == 201
    refused = alice.post("/api/todos", {"title": "One too many"})
    assert (refused.status_code, refused.json()["code"]) == (409, "todo_limit_reached")
    assert bob.post("/api/todos", {"title": "Plenty of room"}).status_code == 201
    assert len(alice.get("/api/todos").json()["items"]) == 1_000


def test_a_list_has_an_end_for_those_who_add_at_once(alice: User, service: Service) -> None:
    service.postgres.rows(
        "INSERT INTO todo (user_id, title) SELECT %s, n::text FROM generate_series(1, 999) n", alice.id
    )
    with ThreadPoolExecutor(2) as executor:
        with held(service.postgres, alice.id):
            added = [executor.submit(alice.post, "/api/todos", {"title": "Also"}) for _ in range(2)]
            until(lambda: waiting_for_locks(service.postgres) == len(added))
        answers = [one.result() for one in added]
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    [made] = [answer.json() for answer in answers if answer.status_code == 201]
    assert alice.get("/api/todos").json()["items"][-1] == made
